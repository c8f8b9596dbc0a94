#include "kube/apiserver/resource_registry.h"

#include <algorithm>
#include <cctype>

#include "kube/apiserver/builtin_kinds.h"

namespace kube::apiserver {

extern const std::string_view kBuiltinSchema[];  // schema/builtin_schema.json, in pieces

namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end) found.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string> strings_at(const Json& json, std::initializer_list<std::string_view> path) {
  std::vector<std::string> found;
  const Json* list = find_path(json, path);
  if (list && list->is_array())
    for (const Json& item : *list)
      if (item.is_string()) found.push_back(item.get<std::string>());
  return found;
}

std::vector<PrinterColumn> columns_of(const Json& version) {
  std::vector<PrinterColumn> columns;
  const Json* list = find_path(version, {"additionalPrinterColumns"});
  if (!list || !list->is_array() || list->empty()) {
    return {{"Age", "date", "", "", 0, ".metadata.creationTimestamp"}};
  }
  for (const Json& column : *list) {
    PrinterColumn made{string_at(column, {"name"}),
                       string_at(column, {"type"}),
                       string_at(column, {"format"}),
                       string_at(column, {"description"}),
                       0,
                       string_at(column, {"jsonPath"})};
    if (auto priority = column.find("priority"); priority != column.end() && priority->is_number_integer())
      made.priority = priority->get<int>();
    columns.push_back(std::move(made));
  }
  return columns;
}

}  // namespace

const Json& builtin_schema_data() {
  static const Json kData = [] {
    std::string text;
    for (const std::string_view* piece = kBuiltinSchema; !piece->empty(); ++piece) text += *piece;
    return Json::parse(text);
  }();
  return kData;
}

ResourceRegistry::ResourceRegistry() {
  // Read once a process: they never change, and a simulation makes many servers.
  static const std::shared_ptr<const SchemaSet> kSchemas = [] {
    auto schemas = std::make_shared<SchemaSet>();
    schemas->add_reduced(builtin_schema_data()["schemas"]);
    return schemas;
  }();
  builtin_ = kSchemas;
  const Json& data = builtin_schema_data();
  for (const BuiltinKind& row : builtin_kinds()) {
    auto served = std::make_shared<ServedResource>();
    served->resource = {std::string(row.group), std::string(row.version), std::string(row.kind),
                        std::string(row.plural), row.scope == Scope::Namespace};
    served->singular = lower(row.kind);
    served->short_names = words(row.short_names);
    served->categories = words(row.categories);
    for (std::string& name : words(row.subresources)) served->subresources.insert(std::move(name));
    served->listed_only_for_create = row.scope == Scope::Review;
    served->table_name = row.plural == "events" ? "events" : served->resource.group_resource();
    const std::string kind = served->resource.api_version() + "/" + served->resource.kind;
    if (auto name = data["kinds"].find(kind); name != data["kinds"].end())
      served->schema = builtin_->find(name->get<std::string>());
    resources_[{served->resource.group, served->resource.version, served->resource.plural}] = served;
  }
}

ServedRef ResourceRegistry::find(std::string_view group, std::string_view version,
                                 std::string_view plural) const {
  auto found = resources_.find({std::string(group), std::string(version), std::string(plural)});
  return found == resources_.end() ? nullptr : found->second;
}

ServedRef ResourceRegistry::find_kind(std::string_view group, std::string_view version,
                                      std::string_view kind) const {
  for (const auto& [key, served] : resources_)
    if (served->resource.group == group && served->resource.version == version &&
        served->resource.kind == kind)
      return served;
  return nullptr;
}

ServedRef ResourceRegistry::find_kind_any_version(std::string_view group, std::string_view kind) const {
  for (const auto& [key, served] : resources_)
    if (served->resource.group == group && served->resource.kind == kind) return served;
  return nullptr;
}

std::vector<ServedRef> ResourceRegistry::all() const {
  std::vector<ServedRef> found;
  for (const auto& [key, served] : resources_) found.push_back(served);
  return found;
}

std::vector<ServedRef> ResourceRegistry::of_table(std::string_view table) const {
  std::vector<ServedRef> found;
  for (const auto& [key, served] : resources_)
    if (served->table() == table && !served->listed_only_for_create) found.push_back(served);
  return found;
}

void ResourceRegistry::serve_crd(const Json& crd) {
  const std::string name = string_at(crd, {"metadata", "name"});
  drop_crd(name);
  std::string stored;
  for (const Json& version : crd["spec"]["versions"])
    if (version.value("storage", false)) stored = string_at(version, {"name"});
  for (const Json& version : crd["spec"]["versions"]) {
    if (!version.value("served", false)) continue;
    auto served = std::make_shared<ServedResource>();
    served->resource = {string_at(crd, {"spec", "group"}), string_at(version, {"name"}),
                        string_at(crd, {"spec", "names", "kind"}),
                        string_at(crd, {"spec", "names", "plural"}),
                        string_at(crd, {"spec", "scope"}) == "Namespaced"};
    served->singular = string_at(crd, {"spec", "names", "singular"});
    served->short_names = strings_at(crd, {"spec", "names", "shortNames"});
    served->categories = strings_at(crd, {"spec", "names", "categories"});
    if (find_path(version, {"subresources", "status"})) served->subresources.insert("status");
    auto schemas = std::make_shared<SchemaSet>();
    if (const Json* schema = find_path(version, {"schema", "openAPIV3Schema"}))
      served->schema = schemas->add_structural(*schema);
    served->schemas = std::move(schemas);
    served->columns = columns_of(version);
    if (const Json* fields = find_path(version, {"selectableFields"}); fields && fields->is_array())
      for (const Json& field : *fields) served->selectable_fields.push_back(string_at(field, {"jsonPath"}));
    served->custom = true;
    served->storage_version = served->resource.version == stored;
    served->stored_version = stored;
    served->table_name = served->resource.group_resource();
    Key key{served->resource.group, served->resource.version, served->resource.plural};
    resources_[key] = std::move(served);
    of_crd_[name].push_back(std::move(key));
  }
}

void ResourceRegistry::drop_crd(const std::string& crd_name) {
  auto found = of_crd_.find(crd_name);
  if (found == of_crd_.end()) return;
  for (const Key& key : found->second) resources_.erase(key);
  of_crd_.erase(found);
}

}  // namespace kube::apiserver
