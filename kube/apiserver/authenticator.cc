#include "kube/apiserver/authenticator.h"

#include <algorithm>

namespace kube::apiserver {

namespace {

constexpr std::int64_t kShortestToken = 600;
constexpr std::int64_t kLongestToken = 1LL << 32;

std::int64_t unix_seconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

Authenticator::Authenticator(Cluster& cluster, const ApiServerOptions& options)
    : cluster_(cluster),
      static_tokens_(options.static_tokens),
      trust_user_header_(options.trust_user_header),
      issuer_(options.token_issuer),
      signer_(options.token_key) {}

std::optional<UserInfo> Authenticator::authenticate(const Headers& headers,
                                                    const std::optional<TlsPeer>& peer) const {
  if (trust_user_header_)
    if (auto name = headers.get("X-Remote-User"))
      return UserInfo{std::string(*name), "", {"system:masters", "system:authenticated"}, {}};
  const std::string_view authorization = headers.get("Authorization").value_or("");
  if (!authorization.empty()) {
    std::string_view scheme = authorization.substr(0, authorization.find(' '));
    std::string lower(scheme);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (lower != "bearer" || scheme.size() == authorization.size()) return std::nullopt;
    std::string_view token = authorization.substr(scheme.size() + 1);
    // A token read from a file comes with its line end.
    while (!token.empty() && (token.back() == '\n' || token.back() == ' ' || token.back() == '\r'))
      token.remove_suffix(1);
    auto found = user_of_token(token);
    if (!found) return std::nullopt;
    return std::move(found->user);
  }
  if (peer && !peer->common_name.empty()) {
    UserInfo user{peer->common_name, "", peer->organizations, {}};
    user.groups.push_back("system:authenticated");
    return user;
  }
  return std::nullopt;
}

std::optional<Authenticator::TokenUser> Authenticator::user_of_token(
    std::string_view token, std::vector<std::string> audiences) const {
  for (const StaticToken& known : static_tokens_)
    if (!known.token.empty() && known.token == token) return TokenUser{known.user, {}};
  auto claims = signer_.verify(token);
  if (!claims) return std::nullopt;
  const std::int64_t now = unix_seconds(cluster_.loop.now());
  if (string_at(*claims, {"iss"}) != issuer_ || claims->value("exp", std::int64_t{0}) <= now ||
      claims->value("nbf", std::int64_t{0}) > now + 5)
    return std::nullopt;
  if (audiences.empty()) audiences.push_back(issuer_);
  const Json* meant = find_path(*claims, {"aud"});
  std::erase_if(audiences, [&](const std::string& asked) {
    return !meant || !meant->is_array() || std::find(meant->begin(), meant->end(), asked) == meant->end();
  });
  const Json* bound = find_path(*claims, {"kubernetes.io"});
  if (!bound || audiences.empty()) return std::nullopt;
  const std::string ns = string_at(*bound, {"namespace"}),
                    name = string_at(*bound, {"serviceaccount", "name"});
  ObjectRef account = cluster_.store.get("serviceaccounts", {ns, name});
  if (!account || account->uid() != string_at(*bound, {"serviceaccount", "uid"})) return std::nullopt;
  UserInfo user{"system:serviceaccount:" + ns + ":" + name,
                account->uid(),
                {"system:serviceaccounts", "system:serviceaccounts:" + ns, "system:authenticated"},
                Json::object()};
  if (std::string pod_name = string_at(*bound, {"pod", "name"}); !pod_name.empty()) {
    ObjectRef pod = cluster_.store.get("pods", {ns, pod_name});
    if (!pod || pod->uid() != string_at(*bound, {"pod", "uid"})) return std::nullopt;
    user.extra["authentication.kubernetes.io/pod-name"] = Json::array({pod_name});
    user.extra["authentication.kubernetes.io/pod-uid"] = Json::array({pod->uid()});
  }
  return TokenUser{std::move(user), std::move(audiences)};
}

std::string Authenticator::sign(const StoredObject& account, const Json& bound_pod, const Json& audiences,
                                Duration lifetime) const {
  const std::int64_t now = unix_seconds(cluster_.loop.now());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
  Json about = {{"namespace", account.key().ns},
                {"serviceaccount", {{"name", account.key().name}, {"uid", account.uid()}}}};
  if (!bound_pod.is_null()) about["pod"] = bound_pod;
  return signer_.sign({{"iss", issuer_},
                       {"sub", "system:serviceaccount:" + account.key().ns + ":" + account.key().name},
                       {"aud", audiences},
                       {"iat", now},
                       {"nbf", now},
                       {"exp", now + seconds},
                       {"jti", cluster_.loop.random().uuid_v4()},
                       {"kubernetes.io", std::move(about)}});
}

std::string Authenticator::sign_for(const ObjectKey& account, Duration lifetime) const {
  ObjectRef found = cluster_.store.get("serviceaccounts", account);
  return found ? sign(*found, nullptr, Json::array({issuer_}), lifetime) : "";
}

Granted<Json> Authenticator::issue(const ObjectKey& account, Json request) const {
  ObjectRef found = cluster_.store.get("serviceaccounts", account);
  if (!found) return refuse(Refusal::not_found(kServiceAccounts, account.name));
  std::int64_t seconds = 3600;
  if (const Json* asked = find_path(request, {"spec", "expirationSeconds"});
      asked && asked->is_number_integer())
    seconds = asked->get<std::int64_t>();
  const GroupVersionKind kind{"authentication.k8s.io", "v1", "TokenRequest"};
  if (seconds < kShortestToken || seconds > kLongestToken)
    return refuse(Refusal::invalid(
        kind, "",
        {{FieldProblem::Type::Invalid, "spec.expirationSeconds", seconds,
          seconds < kShortestToken ? "may not specify a duration less than 10 minutes"
                                   : "may not specify a duration larger than 2^32 seconds"}}));
  if (std::string name = string_at(request, {"metadata", "name"}); !name.empty() && name != account.name)
    return refuse(Refusal::invalid(kind, account.name,
                                   {{FieldProblem::Type::Invalid, "metadata.name", name,
                                     "must match the service account name if specified"}}));
  Json pod;
  if (const Json* bound = find_path(request, {"spec", "boundObjectRef"}); bound && bound->is_object()) {
    const std::string bound_kind = string_at(*bound, {"kind"}), name = string_at(*bound, {"name"});
    if (bound_kind != "Pod")
      return refuse(Refusal::bad_request("cannot bind token for serviceaccount \"" + account.name +
                                         "\" to object type " + bound_kind + ": only Pod is served"));
    ObjectRef object = cluster_.store.get("pods", {account.ns, name});
    if (!object) return refuse(Refusal::not_found(kPods, name));
    const std::string uid = string_at(*bound, {"uid"});
    if (!uid.empty() && uid != object->uid())
      return refuse(
          Refusal::conflict(kPods, name,
                            "the UID in the bound object reference (" + uid +
                                ") does not match the UID in record. The object might have been deleted "
                                "and then recreated"));
    std::string runs_as = string_at(object->json(), {"spec", "serviceAccountName"});
    if (runs_as != account.name)
      return refuse(Refusal::bad_request("cannot bind token for serviceaccount \"" + account.name +
                                         "\" to pod running with different serviceaccount name."));
    pod = {{"name", name}, {"uid", object->uid()}};
  }
  Json audiences = Json::array();
  if (const Json* asked = find_path(request, {"spec", "audiences"}); asked && asked->is_array())
    audiences = *asked;
  if (audiences.empty()) audiences.push_back(issuer_);
  request["apiVersion"] = "authentication.k8s.io/v1";
  request["kind"] = "TokenRequest";
  request["spec"]["expirationSeconds"] = seconds;
  request["spec"]["audiences"] = audiences;
  request["metadata"] = {
      {"name", account.name}, {"namespace", account.ns}, {"creationTimestamp", cluster_.now()}};
  request["status"] = {
      {"token", sign(*found, pod, audiences, std::chrono::seconds(seconds))},
      {"expirationTimestamp", to_rfc3339(cluster_.loop.now() + std::chrono::seconds(seconds))}};
  return request;
}

}  // namespace kube::apiserver
