// ObjectWriter creates, changes and deletes objects by the rules of the API: names, metadata, generation,
// schemas, admission, preconditions, grace, finalizers. Each call decides and writes without a pause between,
// so it is atomic.
//
//   Granted<Written> made = writer.create(call, body);
//   Granted<Written> changed = writer.update(call, body);
//   Granted<Written> applied = writer.patch(call, patch);
//   Granted<Removed> removed = writer.remove(call, key);
//
// Thread: the loop's only.
#pragma once

#include <functional>

#include "kube/apiserver/admission.h"
#include "kube/apiserver/api_call.h"
#include "kube/apiserver/cluster.h"

namespace kube::apiserver {

struct Written {
  ObjectRef object;
  bool created = false;
};

struct Removed {
  ObjectRef object;   // its last, or its present state
  bool gone = false;  // false: it waits for its grace or its finalizers
};

class ObjectWriter {
 public:
  ObjectWriter(Cluster& cluster, Admission& admission) : cluster_(cluster), admission_(admission) {}

  // Bodies are JSON or YAML as call.content_type says. Subresource "" or "status" (and what kinds have
  // besides).
  Granted<Written> create(ApiCall& call, const std::string& body);
  Granted<Written> update(ApiCall& call, const std::string& body);
  Granted<Written> patch(ApiCall& call, const std::string& body);
  Granted<Removed> remove(ApiCall& call, const ObjectKey& key);

  Granted<Written> create_json(ApiCall& call, Json object);
  // `change` makes the new state from the present one; everything else is done here.
  Granted<Written> change(ApiCall& call, const std::function<Granted<Json>(const Json&)>& change);
  // The body of a request that carries an object. Refused: 400, 415.
  static Granted<Json> read_body(const ApiCall& call, const std::string& body);

 private:
  Granted<Written> apply(ApiCall& call, const std::string& body);
  Granted<> check_shape(ApiCall& call, Json& object) const;
  // Webhooks that mutate have their turn; the writer may be sent back (admission_webhook_pass.h).
  Granted<> pass_mutating(ApiCall& call, const ObjectRef& before, Json& object) const;
  Granted<ObjectRef> replace(ApiCall& call, const ObjectRef& before, Json after);
  static bool is_finished(const ServedResource& served, const Json& object);

  Cluster& cluster_;
  Admission& admission_;
};

}  // namespace kube::apiserver
