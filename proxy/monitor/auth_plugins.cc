#include "proxy/monitor/auth_plugins.h"

#include <mysql.h>
#include <mysql/plugin_auth.h>

#include <optional>
#include <string>

#include "protocol/auth/caching_sha2.h"
#include "protocol/auth/nonce.h"
#include "protocol/auth/parsec.h"
#include "protocol/auth/rsa_key.h"
#include "protocol/auth/secret.h"

namespace weir {
namespace {

// As <mysql/client_plugin.h> has them; the package lacks a header which that includes.
constexpr int kAuthentication = 2;
constexpr unsigned kInterface = 0x0100;

struct AuthenticationPlugin : st_mysql_client_plugin {
  int (*authenticate)(MYSQL_PLUGIN_VIO*, MYSQL*);
};

using protocol::Bytes;

std::optional<Bytes> read_packet(MYSQL_PLUGIN_VIO* vio) {
  unsigned char* packet = nullptr;
  const int size = vio->read_packet(vio, &packet);
  if (size < 0) return std::nullopt;
  return Bytes(packet, static_cast<std::size_t>(size));
}

int write_packet(MYSQL_PLUGIN_VIO* vio, Bytes payload) {
  const int failed = vio->write_packet(vio, payload.data(), static_cast<int>(payload.size()));
  return failed != 0 ? CR_ERROR : CR_OK;
}

bool is_secure(MYSQL_PLUGIN_VIO* vio, MYSQL* mysql) {
  MYSQL_PLUGIN_VIO_INFO info{};
  vio->info(vio, &info);
  return info.protocol == MYSQL_PLUGIN_VIO_INFO::MYSQL_VIO_SOCKET ||
         mysql_get_ssl_cipher(mysql) != nullptr;
}

int send_password(MYSQL_PLUGIN_VIO* vio, MYSQL* mysql, std::string_view password,
                  const protocol::Nonce& nonce) {
  if (is_secure(vio, mysql)) {
    std::string clear;
    clear.reserve(password.size() + 1);  // moved, never copied
    clear.append(password).push_back('\0');
    const int result = write_packet(vio, protocol::as_bytes(clear));
    protocol::wipe(clear);
    return result;
  }
  if (mysql->options.use_ssl) return CR_ERROR;
  const std::uint8_t request = protocol::kRequestPublicKey;
  if (write_packet(vio, {&request, 1}) != CR_OK) return CR_ERROR;
  const auto pem = read_packet(vio);
  if (!pem) return CR_ERROR;
  const auto message = protocol::encrypt_password(protocol::as_text(*pem), password, nonce);
  return message ? write_packet(vio, protocol::as_bytes(*message)) : CR_ERROR;
}

std::string_view password_of(const MYSQL* mysql) {
  return mysql->passwd != nullptr ? mysql->passwd : "";
}

int caching_sha2(MYSQL_PLUGIN_VIO* vio, MYSQL* mysql) {
  const auto challenge = read_packet(vio);
  const auto nonce = challenge ? protocol::read_nonce(*challenge) : std::nullopt;
  if (!nonce) return CR_ERROR;
  const std::string_view password = password_of(mysql);
  const std::string proof = protocol::caching_sha2_scramble(password, *nonce);
  if (write_packet(vio, protocol::as_bytes(proof)) != CR_OK) return CR_ERROR;
  if (password.empty()) return CR_OK;
  const auto verdict = read_packet(vio);
  if (!verdict) return CR_ERROR;
  if (verdict->size() != 1) return CR_OK_HANDSHAKE_COMPLETE;  // OK, an error, another method
  switch (verdict->front()) {
    case protocol::kFastAuthOk:
      return CR_OK;
    case protocol::kFullAuthNeeded:
      return send_password(vio, mysql, password, *nonce);
    default:
      return CR_ERROR;
  }
}

int parsec(MYSQL_PLUGIN_VIO* vio, MYSQL* mysql) {
  const auto challenge = read_packet(vio);
  const auto nonce = challenge ? protocol::read_parsec_nonce(*challenge) : std::nullopt;
  if (!nonce) return CR_ERROR;
  if (write_packet(vio, {}) != CR_OK) return CR_ERROR;
  const auto packet = read_packet(vio);
  const auto recipe = packet ? protocol::decode_parsec_recipe(*packet) : std::nullopt;
  if (!recipe) return CR_ERROR;
  const auto answer = protocol::parsec_answer(password_of(mysql), *recipe, *nonce);
  return answer ? write_packet(vio, protocol::as_bytes(*answer)) : CR_ERROR;
}

AuthenticationPlugin plugin(const char* name, int (*authenticate)(MYSQL_PLUGIN_VIO*, MYSQL*)) {
  return {{kAuthentication,
           kInterface,
           name,
           "weir",
           "",
           {1, 0, 0},
           "Apache-2.0",
           nullptr,
           nullptr,
           nullptr,
           nullptr},
          authenticate};
}

}  // namespace

bool use_auth_plugins() {
  // The library keeps them, and gives back those that it goes on using.
  static AuthenticationPlugin ours[] = {plugin("caching_sha2_password", caching_sha2),
                                        plugin("parsec", parsec)};
  MYSQL* const any = mysql_init(nullptr);  // for errors, of which none is due
  if (any == nullptr) return false;
  const st_mysql_client_plugin* const used = mysql_client_register_plugin(any, &ours[0]);
  mysql_client_register_plugin(any, &ours[1]);
  mysql_close(any);
  return used == &ours[0];
}

}  // namespace weir
