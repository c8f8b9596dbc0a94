#include "kube/admission/review.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "kube/core/base64.h"
#include "kube/core/patch.h"

namespace kube {

namespace {

namespace od = simdjson::ondemand;

std::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorKind::InvalidInput, "admission review: " + std::string(why));
}

std::unexpected<Error> malformed(const std::string& where, simdjson::error_code code) {
  return refuse(where + ": " + simdjson::error_message(code));
}

// What was read once, bit by bit; stops at the first thing that is wrong.
class ReviewParser {
 public:
  explicit ReviewParser(Review& review) : review_(review) {}

  simdjson::error_code read(od::document& document) {
    od::object root;
    if (auto code = document.get_object().get(root)) return code;
    for (auto field : root) {
      std::string_view key;
      if (auto code = field.unescaped_key().get(key)) return code;
      where_ = key;
      od::value value;
      if (auto code = field.value().get(value)) return code;
      simdjson::error_code code = simdjson::SUCCESS;
      if (key == "apiVersion") {
        code = text(value, review_.api_version);
      } else if (key == "kind") {
        code = text(value, kind_);
      } else if (key == "request") {
        code = read_request(value);
      }
      if (code) return code;
    }
    // Trailing text after the object is no review either.
    where_ = "end";
    if (const char* rest = nullptr; document.current_location().get(rest) == simdjson::SUCCESS)
      return simdjson::TRAILING_CONTENT;
    return simdjson::SUCCESS;
  }

  // Which field was being read: what an error is about.
  const std::string& where() const { return where_; }

  const std::string& kind() const { return kind_; }
  bool has_request() const { return has_request_; }

 private:
  // Null is absent; any other type than a string is wrong.
  static simdjson::error_code text(od::value value, std::string& into) {
    bool null = false;
    if (auto code = value.is_null().get(null)) return code;
    if (null) return simdjson::SUCCESS;
    std::string_view found;
    if (auto code = value.get_string().get(found)) return code;
    into = found;
    return simdjson::SUCCESS;
  }

  template <class Member>
  static simdjson::error_code each_member(od::value value, Member member) {
    bool null = false;
    if (auto code = value.is_null().get(null)) return code;
    if (null) return simdjson::SUCCESS;
    od::object object;
    if (auto code = value.get_object().get(object)) return code;
    for (auto field : object) {
      std::string_view key;
      if (auto code = field.unescaped_key().get(key)) return code;
      od::value inner;
      if (auto code = field.value().get(inner)) return code;
      if (auto code = member(key, inner)) return code;
    }
    return simdjson::SUCCESS;
  }

  static simdjson::error_code read_kind(od::value value, GroupVersionKind& kind) {
    return each_member(value, [&](std::string_view key, od::value inner) {
      if (key == "group") return text(inner, kind.group);
      if (key == "version") return text(inner, kind.version);
      if (key == "kind") return text(inner, kind.kind);
      return simdjson::SUCCESS;
    });
  }

  static simdjson::error_code read_resource(od::value value, GroupVersionResource& resource) {
    return each_member(value, [&](std::string_view key, od::value inner) {
      if (key == "group") return text(inner, resource.group);
      if (key == "version") return text(inner, resource.version);
      if (key == "resource") return text(inner, resource.resource);
      return simdjson::SUCCESS;
    });
  }

  static simdjson::error_code texts(od::value value, std::vector<std::string>& into) {
    bool null = false;
    if (auto code = value.is_null().get(null)) return code;
    if (null) return simdjson::SUCCESS;
    od::array items;
    if (auto code = value.get_array().get(items)) return code;
    for (auto item : items) {
      std::string_view found;
      if (auto code = item.get_string().get(found)) return code;
      into.emplace_back(found);
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code read_user(od::value value) {
    return each_member(value, [&](std::string_view key, od::value inner) {
      UserInfo& user = review_.user_info;
      if (key == "username") return text(inner, user.username);
      if (key == "uid") return text(inner, user.uid);
      if (key == "groups") return texts(inner, user.groups);
      if (key != "extra") return simdjson::SUCCESS;
      return each_member(inner, [&](std::string_view name, od::value list) {
        std::vector<std::string> values;
        // Copied first: reading on may overwrite what an unescaped key refers to.
        const std::string owned(name);
        if (auto code = texts(list, values)) return code;
        user.extra[owned] = std::move(values);
        return simdjson::SUCCESS;
      });
    });
  }

  // The text of an object, as it stands in the review.
  static simdjson::error_code raw(od::value value, std::string& into) {
    bool null = false;
    if (auto code = value.is_null().get(null)) return code;
    if (null) return simdjson::SUCCESS;
    od::object object;
    if (auto code = value.get_object().get(object)) return code;
    std::string_view found;
    if (auto code = object.raw_json().get(found)) return code;
    into = found.substr(0, found.find_last_of('}') + 1);  // it reaches up to the next token
    return simdjson::SUCCESS;
  }

  simdjson::error_code read_request(od::value value) {
    Review& r = review_;
    return each_member(value, [&](std::string_view key, od::value inner) {
      has_request_ = true;
      where_.assign("request.").append(key);
      // Ordered as API servers write them.
      if (key == "uid") return text(inner, r.uid);
      if (key == "kind") return read_kind(inner, r.kind);
      if (key == "resource") return read_resource(inner, r.resource);
      if (key == "subResource") return text(inner, r.sub_resource);
      if (key == "requestKind") {
        bool null = false;
        if (auto code = inner.is_null().get(null); code || null) return code;
        return read_kind(inner, r.request_kind.emplace());
      }
      if (key == "requestResource") {
        bool null = false;
        if (auto code = inner.is_null().get(null); code || null) return code;
        return read_resource(inner, r.request_resource.emplace());
      }
      if (key == "requestSubResource") return text(inner, r.request_sub_resource);
      if (key == "name") return text(inner, r.name);
      if (key == "namespace") return text(inner, r.namespace_);
      if (key == "operation") return text(inner, r.operation);
      if (key == "userInfo") return read_user(inner);
      if (key == "object") return raw(inner, r.object);
      if (key == "oldObject") return raw(inner, r.old_object);
      if (key == "options") return raw(inner, r.options);
      if (key != "dryRun") return simdjson::SUCCESS;
      bool null = false;
      if (auto code = inner.is_null().get(null); code || null) return code;
      return inner.get_bool().get(r.dry_run);
    });
  }

  Review& review_;
  std::string kind_;
  std::string where_ = "body";
  bool has_request_ = false;
};

Result<JsonView> read_text(JsonReader& reader, const std::string& text) {
  if (text.empty()) return JsonView();
  return reader.read(text);
}

// `text` as a JSON string. The serialiser looks at what has to be escaped; a uid never has.
void append_string(std::string& out, std::string_view text) {
  const bool plain = std::ranges::all_of(
      text, [](unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain)
    out.append("\"").append(text).append("\"");
  else
    out.append(dump_json(std::string(text)));
}

void append_response(std::string& out, const Verdict& verdict, std::string_view uid) {
  out.append(R"({"uid":)");
  append_string(out, uid);
  out.append(verdict.allowed ? R"(,"allowed":true)" : R"(,"allowed":false)");
  out.append(R"(,"status":{"code":)").append(std::to_string(verdict.code));
  if (!verdict.allowed && !verdict.reason.empty()) {
    out.append(R"(,"reason":)");
    append_string(out, verdict.reason);
  }
  if (!verdict.message.empty()) {
    out.append(R"(,"message":)");
    append_string(out, verdict.message);
  }
  out.append("}");
  if (!verdict.warnings.empty()) out.append(R"(,"warnings":)").append(dump_json(verdict.warnings));
  if (verdict.audit_annotations.is_object() && !verdict.audit_annotations.empty())
    out.append(R"(,"auditAnnotations":)").append(dump_json(verdict.audit_annotations));
  if (verdict.allowed && verdict.operations.is_array() && !verdict.operations.empty())
    out.append(R"(,"patchType":"JSONPatch","patch":")")
        .append(encode_base64(dump_json(verdict.operations)))
        .append("\"");
  out.append("}");
}

}  // namespace

Result<JsonView> Review::read(JsonReader& reader) const {
  return read_text(reader, object);
}
Result<JsonView> Review::read_old(JsonReader& reader) const {
  return read_text(reader, old_object);
}

Verdict Verdict::patch(Json operations) {
  Verdict verdict;
  verdict.operations = std::move(operations);
  return verdict;
}

Verdict Verdict::patch(const Json& before, const Json& after) {
  return patch(create_json_patch(before, after));
}

Verdict Verdict::deny(std::string message) {
  Verdict verdict;
  verdict.allowed = false;
  verdict.code = 403;
  verdict.reason = "Forbidden";
  verdict.message = std::move(message);
  return verdict;
}

Verdict Verdict::error(int code, std::string message) {
  Verdict verdict;
  verdict.allowed = false;
  verdict.code = code;
  verdict.message = std::move(message);
  return verdict;
}

Result<Review> decode_review(std::string& body) {
  // One parser a thread: it keeps its buffers, which are as large as the largest review so far.
  thread_local od::parser parser;
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  od::document document;
  if (auto code = parser.iterate(body.data(), body.size(), body.capacity()).get(document))
    return malformed("body", code);
  Review review;
  review.api_version.clear();
  ReviewParser reader(review);
  if (auto code = reader.read(document)) return malformed(reader.where(), code);
  if (reader.kind() != "AdmissionReview" ||
      (review.api_version != "admission.k8s.io/v1" && review.api_version != "admission.k8s.io/v1beta1"))
    return refuse("expected apiVersion admission.k8s.io/v1, kind AdmissionReview, got apiVersion \"" +
                  review.api_version + "\", kind \"" + reader.kind() + "\"");
  if (!reader.has_request()) return refuse("request: expected object");
  if (review.uid.empty()) return refuse("request.uid: expected string");
  return review;
}

std::string encode_verdict(const Review& review, const Verdict& verdict) {
  std::string out = R"({"kind":"AdmissionReview","apiVersion":")";
  out.append(review.api_version).append(R"(","response":)");
  append_response(out, verdict, review.uid);
  out.append("}");
  return out;
}

std::string encode_verdict(const Verdict& verdict) {
  std::string out = R"({"response":)";
  append_response(out, verdict, "");
  out.append("}");
  return out;
}

}  // namespace kube
