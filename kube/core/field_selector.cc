#include "kube/core/field_selector.h"

namespace kube {

namespace {

std::unexpected<Error> refuse(std::string_view term, std::string_view why) {
  return fail(ErrorKind::InvalidInput,
              "invalid field selector: '" + std::string(term) + "'; " + std::string(why));
}

Result<std::string> unescape(std::string_view term, std::string_view value) {
  std::string plain;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '=') return refuse(term, "an = in a value is written \\=");
    if (value[i] != '\\') {
      plain += value[i];
      continue;
    }
    if (++i == value.size() || (value[i] != '\\' && value[i] != ',' && value[i] != '='))
      return refuse(term, "\\ may only stand before \\, a comma or =");
    plain += value[i];
  }
  return plain;
}

Result<FieldSelector::Term> parse_term(std::string_view term) {
  const std::size_t at = term.find_first_of("=!");
  if (at == std::string_view::npos || at == 0)
    return refuse(term, "can't understand it: expected path=value");
  FieldSelector::Term parsed{std::string(term.substr(0, at)), "", term[at] == '!'};
  std::string_view rest = term.substr(at);
  if (rest.starts_with("!=") || rest.starts_with("==")) {
    rest.remove_prefix(2);
  } else if (rest.starts_with("=")) {
    rest.remove_prefix(1);
  } else {
    return refuse(term, "can't understand it: expected path!=value");
  }
  auto value = unescape(term, rest);
  if (!value) return fail(std::move(value));
  parsed.value = std::move(*value);
  return parsed;
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector selector;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '\\') {
      ++i;
      continue;
    }
    if (i < text.size() && text[i] != ',') continue;
    const std::string_view term = text.substr(from, i - from);
    from = i + 1;
    if (term.empty()) continue;  // Kubernetes forgives "a=b," too
    auto parsed = parse_term(term);
    if (!parsed) return fail(std::move(parsed));
    selector.terms_.push_back(std::move(*parsed));
  }
  if (from <= text.size()) return refuse(text.substr(from), "\\ may only stand before \\, a comma or =");
  return selector;
}

bool FieldSelector::matches(const Lookup& field) const {
  for (const Term& term : terms_)
    if ((field(term.path) == term.value) == term.negated) return false;
  return true;
}

FieldSelector& FieldSelector::require(Term term) {
  terms_.push_back(std::move(term));
  return *this;
}

std::string FieldSelector::to_string() const {
  std::string text;
  for (const Term& term : terms_) {
    if (!text.empty()) text += ',';
    text += term.path + (term.negated ? "!=" : "=");
    for (const char c : term.value) {
      if (c == '\\' || c == ',' || c == '=') text += '\\';
      text += c;
    }
  }
  return text;
}

}  // namespace kube
