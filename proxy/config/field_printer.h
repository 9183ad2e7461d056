// The value of one key of a Config, as text for people. Passwords are never shown.

#pragma once

#include <optional>
#include <string>

#include "proxy/config/field.h"

namespace weir::config {

class FieldPrinter final : public Field {
 public:
  // What the key has; nothing when it is only another way to give what another key shows.
  const std::optional<std::string>& value() const { return text_; }

  void boolean(bool& value) override;
  void whole_number(std::uint64_t& value, std::uint64_t least, std::uint64_t most) override;
  void duration(Milliseconds& value, Milliseconds least, Milliseconds most) override;
  void optional_duration(std::optional<Milliseconds>& value, Milliseconds least,
                         Milliseconds most) override;
  void size(std::size_t& value, std::uint64_t least, std::uint64_t most) override;
  void text(std::string& value, std::size_t longest) override;
  void checked_text(std::string& value, TextCheck what_is_wrong) override;
  void checked_texts(std::vector<std::string>& value, TextCheck what_is_wrong) override;
  void file_path(std::string& value) override;
  void label(std::string& value, bool may_be_empty) override;
  void endpoint(Endpoint& value, std::uint16_t default_port) override;
  void optional_endpoint(std::optional<Endpoint>& value, std::uint16_t default_port) override;
  void endpoints(std::vector<Endpoint>& value, std::uint16_t default_port) override;
  void password(std::string& value, TextCheck what_is_wrong) override;
  void password_file(std::string& value, TextCheck what_is_wrong) override;
  void password_environment(std::string& value, TextCheck what_is_wrong) override;
  void secret_file(std::string& value, TextCheck what_is_wrong) override;
  void table(std::span<const SubField> keys) override;

 private:
  std::size_t choose(std::span<const std::string_view> names, std::size_t current) override;

  std::optional<std::string> text_;
};

}  // namespace weir::config
