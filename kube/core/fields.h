// One field list per struct drives decode, encode, the CRD schema and the drift test; what we do not know we carry.
//
//   struct DriverSpec {
//     std::optional<int> cores;
//     std::map<std::string, std::string> labels;
//     Json pod_template;                       // passed through, so not modelled (null = absent)
//     Json unknown;                            // fields of a newer CRD; encoded back unchanged
//
//     template <class Self, class Visit> static void fields(Self& self, Visit&& field) {
//       field("cores", self.cores);
//       field("labels", self.labels);
//       field("template", self.pod_template);
//     }
//     bool operator==(const DriverSpec&) const = default;
//   };
//
//   Result<DriverSpec> spec = decode<DriverSpec>(json, "spec.driver");   // error: `spec.driver.cores: expected integer, got "two"`
//   Json back = encode(*spec);                                          // encode(decode(j)) == j
//
// Members may be: bool, integers, double, std::string, Json, std::optional<X>, std::vector<X>,
// std::map<std::string, X>, and structs with a field list. A default-valued member that is not optional ("" / 0 /
// empty container / null Json / struct without any set field) is left out when encoding; use std::optional where
// present-but-zero differs from absent, or field.always(...)-style wrappers declared here where the wire wants it.
// A JSON null decodes like an absent field.
//
// Thread: pure functions.
#pragma once
