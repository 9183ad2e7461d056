#include "proxy/config/field_printer.h"

#include "proxy/config/units.h"

namespace weir::config {

void FieldPrinter::boolean(bool& value) {
  text_ = value ? "true" : "false";
}
void FieldPrinter::whole_number(std::uint64_t& value, std::uint64_t, std::uint64_t) {
  text_ = std::to_string(value);
}
void FieldPrinter::duration(Milliseconds& value, Milliseconds, Milliseconds) {
  text_ = duration_text(value);
}
void FieldPrinter::optional_duration(std::optional<Milliseconds>& value, Milliseconds,
                                     Milliseconds) {
  text_ = value ? duration_text(*value) : "";
}
void FieldPrinter::size(std::size_t& value, std::uint64_t, std::uint64_t) {
  text_ = size_text(value);
}
void FieldPrinter::text(std::string& value, std::size_t) {
  text_ = value;
}
void FieldPrinter::checked_text(std::string& value, TextCheck) {
  text_ = value;
}
void FieldPrinter::checked_texts(std::vector<std::string>& value, TextCheck) {
  text_.emplace();
  for (const std::string& each : value) *text_ += (text_->empty() ? "" : ", ") + each;
}
void FieldPrinter::file_path(std::string& value) {
  text_ = value;
}
void FieldPrinter::label(std::string& value, bool) {
  text_ = value;
}
void FieldPrinter::endpoint(Endpoint& value, std::uint16_t) {
  text_ = value.to_string();
}
void FieldPrinter::optional_endpoint(std::optional<Endpoint>& value, std::uint16_t) {
  text_ = value ? value->to_string() : "";
}
void FieldPrinter::endpoints(std::vector<Endpoint>& value, std::uint16_t) {
  text_.emplace();
  for (const Endpoint& each : value) *text_ += (text_->empty() ? "" : ", ") + each.to_string();
}
void FieldPrinter::password(std::string& value, TextCheck) {
  text_ = value.empty() ? "" : "***";
}
void FieldPrinter::password_file(std::string&, TextCheck) {}
void FieldPrinter::password_environment(std::string&, TextCheck) {}
void FieldPrinter::secret_file(std::string& value, TextCheck) {
  text_ = value.empty() ? "" : "***";
}

void FieldPrinter::table(std::span<const SubField> keys) {
  text_.emplace();
  for (const SubField& key : keys) {
    FieldPrinter field;
    key.read(field);
    if (!field.value() || field.value()->empty()) continue;
    if (!text_->empty()) *text_ += ", ";
    text_->append(key.name).append(" ").append(*field.value());
  }
}

std::size_t FieldPrinter::choose(std::span<const std::string_view> names, std::size_t current) {
  text_ = names[current];
  return current;
}

}  // namespace weir::config
