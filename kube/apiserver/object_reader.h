// ObjectReader answers get and list: selection, resource versions, pages.
//
//   Granted<ObjectRef> object = reader.get(call);
//   Granted<ObjectPage> page = reader.list(call);
//
// Thread: the loop's only.
#pragma once

#include <string>
#include <vector>

#include "kube/apiserver/api_call.h"
#include "kube/apiserver/cluster.h"

namespace kube::apiserver {

struct ObjectPage {
  std::vector<ObjectRef> objects;
  std::uint64_t version = 0;
  std::string continue_token;  // "" = the last page
  std::size_t remaining = 0;
};

// What of an object counts for a list or watch with selectors.
class Selection {
 public:
  // Refused: a field that this kind cannot be selected by.
  static Granted<Selection> of(const ApiCall& call);
  bool matches(const StoredObject& object) const;

 private:
  std::string ns_;
  LabelSelector labels_;
  FieldSelector fields_;
  bool events_v1_ = false;
};

class ObjectReader {
 public:
  explicit ObjectReader(Cluster& cluster) : cluster_(cluster) {}

  Granted<ObjectRef> get(const ApiCall& call) const;
  Granted<ObjectPage> list(const ApiCall& call) const;

 private:
  Cluster& cluster_;
};

// An object as the version that was asked for shows it: another apiVersion of a custom resource, or the other
// face of an Event.
const std::string& text_as(const StoredObject& object, const ServedResource& served, std::string& scratch);
// The same as an item of a list, which says kind and apiVersion for the built-in ones.
std::string text_as_item(const StoredObject& object, const ServedResource& served);
Json json_as(const StoredObject& object, const ServedResource& served);

}  // namespace kube::apiserver
