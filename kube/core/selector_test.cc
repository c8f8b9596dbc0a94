#include <catch2/catch.hpp>
#include <map>

#include "kube/core/dns_name.h"
#include "kube/core/field_selector.h"
#include "kube/core/label_selector.h"

using namespace kube;

namespace {

using Labels = std::map<std::string, std::string>;

const Labels kLabels{{"app", "pi"}, {"role", "driver"}, {"n", "5"}, {"empty", ""}, {"x.io/key", "v"}};

}  // namespace

TEST_CASE("label selectors match as Kubernetes' do", "[label_selector]") {
  struct Row {
    const char* text;
    bool matches;
    const char* canonical;
  };
  auto row = GENERATE(values<Row>({
      {"", true, ""},
      {"   ", true, ""},
      {"app=pi", true, "app=pi"},
      {"app==pi", true, "app=pi"},
      {" app = pi , role = driver ", true, "app=pi,role=driver"},
      {"role=driver,app=pi", true, "app=pi,role=driver"},
      {"app=other", false, "app=other"},
      {"app!=other", true, "app!=other"},
      {"gone!=x", true, "gone!=x"},
      {"app!=pi", false, "app!=pi"},
      {"app", true, "app"},
      {"gone", false, "gone"},
      {"!gone", true, "!gone"},
      {"!app", false, "!app"},
      {"app in (b,pi,a)", true, "app in (a,b,pi)"},
      {"app in (pi,pi)", true, "app in (pi)"},
      {"app in (a)", false, "app in (a)"},
      {"gone in (a)", false, "gone in (a)"},
      {"app notin (a,b)", true, "app notin (a,b)"},
      {"app notin (pi)", false, "app notin (pi)"},
      {"gone notin (pi)", true, "gone notin (pi)"},
      {"empty=", true, "empty="},
      {"empty in ()", true, "empty in ()"},
      {"empty in (,x)", true, "empty in (,x)"},
      {"app=", false, "app="},
      {"n>4,n<6", true, "n>4,n<6"},
      {"n>5", false, "n>5"},
      {"app>1", false, "app>1"},
      {"gone<1", false, "gone<1"},
      {"x.io/key=v,in in (a)", false, "in in (a),x.io/key=v"},
      {"app=pi,app!=other", true, "app=pi,app!=other"},
  }));
  INFO(row.text);
  auto selector = LabelSelector::parse(row.text);
  REQUIRE(selector);
  CHECK(selector->matches(kLabels) == row.matches);
  CHECK(selector->to_string() == row.canonical);
  CHECK(*LabelSelector::parse(selector->to_string()) == *selector);
}

TEST_CASE("malformed label selectors are refused and quoted", "[label_selector]") {
  auto text = GENERATE("=", "a=b,", ",a", "a b", "a in b", "a in (b", "a in", "a=b=c", "!", "!=x", "-a=b",
                       "a=-b", "a=b c", "n>x", "a notin b)", "a/b/c=d", "a=b)", "(a)");
  INFO(text);
  auto selector = LabelSelector::parse(text);
  REQUIRE_FALSE(selector);
  CHECK(selector.error().kind() == ErrorKind::InvalidInput);
  CHECK(selector.error().message().find("\"" + std::string(text) + "\"") != std::string::npos);
}

TEST_CASE("metav1.LabelSelector becomes the same selector", "[label_selector]") {
  auto selector = LabelSelector::from_json(Json::parse(R"({"matchLabels": {"app": "pi"},
    "matchExpressions": [{"key": "role", "operator": "In", "values": ["x", "driver"]},
      {"key": "a", "operator": "NotIn", "values": ["b"]}, {"key": "n", "operator": "Exists"},
      {"key": "gone", "operator": "DoesNotExist", "values": []}]})"));
  REQUIRE(selector);
  CHECK(selector->to_string() == "a notin (b),app=pi,!gone,n,role in (driver,x)");
  CHECK(selector->matches(kLabels));
  CHECK(LabelSelector::from_json(Json())->matches_nothing());
  CHECK_FALSE(LabelSelector::from_json(Json())->matches(kLabels));
  CHECK(LabelSelector::from_json(Json::object())->matches_everything());
  CHECK(LabelSelector::of({{"b", "2"}, {"a", "1"}}).to_string() == "a=1,b=2");
}

TEST_CASE("metav1.LabelSelector with faults names them", "[label_selector]") {
  auto text = GENERATE(R"([])", R"({"matchLabels":{"a":1}})", R"({"matchLabels":{"":"x"}})",
                       R"({"matchExpressions":{}})", R"({"matchExpressions":[{"key":"a","operator":"in"}]})",
                       R"({"matchExpressions":[{"key":"a","operator":"In"}]})",
                       R"({"matchExpressions":[{"key":"a","operator":"Exists","values":["x"]}]})",
                       R"({"matchExpressions":[{"operator":"Exists"}]})");
  INFO(text);
  CHECK_FALSE(LabelSelector::from_json(Json::parse(text)));
}

TEST_CASE("field selectors match, with absent fields as empty", "[field_selector]") {
  struct Row {
    const char* text;
    bool matches;
    const char* canonical;
  };
  auto row = GENERATE(values<Row>({
      {"", true, ""},
      {"metadata.name=pi", true, "metadata.name=pi"},
      {"metadata.name==pi,spec.nodeName=", true, "metadata.name=pi,spec.nodeName="},
      {"status.phase!=Failed", true, "status.phase!=Failed"},
      {"status.phase!=Running", false, "status.phase!=Running"},
      {"metadata.name=pi,status.phase=Failed", false, "metadata.name=pi,status.phase=Failed"},
      {"odd=a\\,b\\=c\\\\d", true, "odd=a\\,b\\=c\\\\d"},
      {"metadata.name=pi,", true, "metadata.name=pi"},
  }));
  INFO(row.text);
  auto selector = FieldSelector::parse(row.text);
  REQUIRE(selector);
  const Labels fields{{"metadata.name", "pi"}, {"status.phase", "Running"}, {"odd", "a,b=c\\d"}};
  CHECK(selector->matches([&](std::string_view path) {
    const auto found = fields.find(std::string(path));
    return found == fields.end() ? "" : found->second;
  }) == row.matches);
  CHECK(selector->to_string() == row.canonical);
  CHECK(*FieldSelector::parse(selector->to_string()) == *selector);
}

TEST_CASE("malformed field selectors are refused", "[field_selector]") {
  auto text = GENERATE("metadata.name", "=x", "a=b=c", "a!b", "a=\\x", "a=b\\", "!a=b");
  INFO(text);
  CHECK_FALSE(FieldSelector::parse(text));
}

TEST_CASE("names are judged as the API server judges them", "[dns_name]") {
  struct Row {
    const char* name;
    bool label, subdomain, dns1035, qualified, label_value;
  };
  static const std::string k63(63, 'a'), k64(64, 'a'),
      k253 = k63 + "." + k63 + "." + k63 + "." + std::string(61, 'a');
  auto row = GENERATE(values<Row>({
      {"pi", true, true, true, true, true},
      {"1pi", true, true, false, true, true},
      {"a.b", false, true, false, true, true},
      {"a..b", false, false, false, true, true},
      {"-a", false, false, false, false, false},
      {"a-", false, false, false, false, false},
      {"", false, false, false, false, true},
      {"Pi", false, false, false, true, true},
      {"a_b", false, false, false, true, true},
      {"x.io/Pi", false, false, false, true, false},
      {"X.io/Pi", false, false, false, false, false},
      {"/Pi", false, false, false, false, false},
      {"x.io/", false, false, false, false, false},
      {"a/b/c", false, false, false, false, false},
      {k63.c_str(), true, true, true, true, true},
      {k64.c_str(), false, true, false, false, false},
      {k253.c_str(), false, true, false, false, false},
  }));
  INFO(row.name);
  CHECK(is_dns1123_label(row.name) == row.label);
  CHECK(is_dns1123_subdomain(row.name) == row.subdomain);
  CHECK(is_dns1035_label(row.name) == row.dns1035);
  CHECK(qualified_name_faults(row.name).empty() == row.qualified);
  CHECK(is_label_value(row.name) == row.label_value);
}

TEST_CASE("a name may have several faults, each worded as by the API server", "[dns_name]") {
  const Faults faults = dns1123_label_faults(std::string(64, 'A'));
  REQUIRE(faults.size() == 2);
  CHECK(faults[0] == "must be no more than 63 characters");
  CHECK(faults[1].starts_with(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"));
  CHECK_FALSE(is_dns1123_subdomain(std::string(254, 'a')));
}

TEST_CASE("keys of config maps and names of variables have their own rules", "[dns_name]") {
  CHECK(config_map_key_faults("app.properties_1-x").empty());
  CHECK(config_map_key_faults("..data").size() == 1);
  CHECK(config_map_key_faults("..").size() == 1);
  CHECK(config_map_key_faults("a/b").size() == 1);
  CHECK(config_map_key_faults("").size() == 1);
  CHECK(env_var_name_faults("APP.HOME x").empty());
  CHECK_FALSE(env_var_name_faults("A=B").empty());
  CHECK_FALSE(env_var_name_faults("").empty());
}
