#include "proxy/config/validate_tls.h"

#include <fmt/core.h>

namespace weir::config {
namespace {

// The line to blame for a key of [tls.`side`]: its own, or the section's, or the file as a whole.
unsigned line_of(const Node& root, std::string_view side, std::string_view key) {
  const Node* const tls = root.find("tls");
  const Node* const table = tls != nullptr ? tls->find(side) : nullptr;
  if (table == nullptr) return 0;
  const Node* const value = table->find(key);
  return value == nullptr ? table->line : value->line;
}

void check_pair(const Node& root, std::string_view side, const std::string& cert,
                const std::string& key, Context& context) {
  if (cert.empty() == key.empty()) return;
  const std::string_view given = cert.empty() ? "key" : "cert";
  context.problem(
      line_of(root, side, given),
      fmt::format("tls.{0}.{1} is given without tls.{0}.{2}; add the other, or remove it", side,
                  given, cert.empty() ? "cert" : "key"));
}

bool verifies(ServerTlsMode mode) {
  return mode == ServerTlsMode::verify_ca || mode == ServerTlsMode::verify_identity;
}

void check_servers_side(const Node& root, const Config& config, Context& context) {
  const ServerTlsConfig& tls = config.tls.server;
  check_pair(root, "server", tls.cert, tls.key, context);
  if (!tls.ca.empty() && !verifies(tls.mode)) {
    context.problem(
        line_of(root, "server", "ca"),
        "tls.server.ca is given, and tls.server.mode verifies no certificate; set it to "
        "\"verify_ca\" or \"verify_identity\", or remove ca");
  }
}

void check_clients_side(const Node& root, const Config& config, Context& context) {
  const ClientTlsConfig& tls = config.tls.client;
  check_pair(root, "client", tls.cert, tls.key, context);
  if (tls.client_certificates == ClientCertificates::required && tls.ca.empty()) {
    context.problem(line_of(root, "client", "client_certificates"),
                    "tls.client.client_certificates is \"required\" without tls.client.ca; add the "
                    "file with the authorities that sign clients' certificates");
  }
  if (tls.client_certificates == ClientCertificates::required &&
      tls.mode != ClientTlsMode::required) {
    context.problem(
        line_of(root, "client", "client_certificates"),
        "tls.client.client_certificates is \"required\", and tls.client.mode lets clients "
        "in without TLS; set it to \"required\"");
  }
}

}  // namespace

void check_tls(const Node& root, const Config& config, Context& context) {
  check_clients_side(root, config, context);
  check_servers_side(root, config, context);
}

}  // namespace weir::config
