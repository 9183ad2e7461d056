#include "protocol/auth/client_auth.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/auth/caching_sha2.h"
#include "protocol/auth/ed25519.h"
#include "protocol/auth/native_password.h"
#include "protocol/auth/rsa_key.h"
#include "protocol/compression.h"

namespace weir::protocol {
namespace {

constexpr std::uint32_t kMaxPacket = 1u << 30;  // the server's own limit is what counts
constexpr std::uint8_t kOldestProtocol = 9;

// MariaDB accounts may have several methods ("VIA a OR b"); the server switches once for each.
constexpr int kMaxSwitches = 4;

// Flags that follow from the options and not from the caller's wishes.
constexpr Capabilities kLoginFlags = kProtocol41 | kSecureConnection | kPluginAuth |
                                     kPluginAuthLenencData | kConnectWithDb | kConnectAttrs |
                                     kMultiFactorAuth;

// A name from the other side, fit for a log or an error text.
std::string printable(std::string_view name) {
  std::string text(name.substr(0, 64));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

}  // namespace

ClientAuthStep::~ClientAuthStep() {
  OPENSSL_cleanse(send.data(), send.size());
}

ClientAuthStep ClientAuth::feed(Bytes payload) {
  if (payload.empty()) return refuse(LoginRefusal::malformed, "the server sent an empty packet");
  if (state_ != State::over && payload[0] == kErrHeader)
    return over(ClientAuthStep::Kind::failed, payload);
  switch (state_) {
    case State::greeting:
      return on_greeting(payload);
    case State::verdict:
      return on_verdict(payload);
    case State::public_key:
      return on_public_key(payload);
    case State::parsec_recipe:
      return on_parsec_recipe(payload);
    case State::over:
      break;
  }
  return refuse(LoginRefusal::malformed, "the server sent a packet after the end of the login");
}

ClientAuthStep ClientAuth::on_greeting(Bytes payload) {
  if (payload[0] <= kOldestProtocol)
    return refuse(LoginRefusal::server_too_old, "the server speaks the protocol from before 4.1");
  const std::optional<Greeting> greeting = decode_greeting(payload);
  if (!greeting)
    return refuse(LoginRefusal::malformed,
                  "the greeting is malformed: is this the port of a MySQL or MariaDB server?");
  if (!negotiate(*greeting))
    return refuse(
        LoginRefusal::server_too_old,
        "the server lacks the 4.1 protocol, its authentication or the choice of a database");
  // The name is the server's default, not this account's method: when it is not one of ours, the
  // account's may be, and the server will switch.
  const bool native = (capabilities_ & kPluginAuth) == 0 || greeting->plugin == kNativePassword ||
                      !options_.native_key.empty();
  const std::string_view plugin = native ? kNativePassword : kCachingSha2;
  nonce_ = greeting->nonce;
  const std::string answer = scramble(plugin);

  HandshakeResponse response;
  response.capabilities = capabilities_;
  response.max_packet = kMaxPacket;
  response.collation = options_.collation;
  response.user = options_.user;
  response.auth_response = as_bytes(answer);
  response.database = options_.database;
  response.plugin = plugin;
  response.attributes = as_bytes(options_.attributes);
  response.zstd_level = kZstdLevel;
  std::string payload_out;
  encode_handshake_response(payload_out, response);
  state_ = State::verdict;
  return send(std::move(payload_out));
}

// False when the server lacks what no login here can do without.
bool ClientAuth::negotiate(const Greeting& greeting) {
  Capabilities needed = kProtocol41 | kSecureConnection;
  if (!options_.database.empty()) needed |= kConnectWithDb;
  Capabilities wanted = (options_.capabilities & ~kLoginFlags) | needed;
  wanted |= kPluginAuth | kPluginAuthLenencData;
  if (!options_.attributes.empty()) wanted |= kConnectAttrs;
  server_capabilities_ = greeting.capabilities;
  capabilities_ = wanted & server_capabilities_;
  server_version_ = greeting.version;
  connection_id_ = greeting.connection_id;
  server_collation_ = greeting.collation;
  return (capabilities_ & needed) == needed;
}

// The answer to nonce_ under one of our two methods, which becomes the one in use.
std::string ClientAuth::scramble(std::string_view plugin) {
  more_data_due_ = plugin == kCachingSha2;
  if (!more_data_due_ && !options_.native_key.empty())
    return native_scramble_of_key(options_.native_key, nonce_);
  return more_data_due_ ? caching_sha2_scramble(options_.password, nonce_)
                        : native_scramble(options_.password, nonce_);
}

ClientAuthStep ClientAuth::on_verdict(Bytes payload) {
  switch (payload[0]) {
    case kOkHeader:
      return over(ClientAuthStep::Kind::done, payload);
    case kAuthSwitchHeader:
      return on_switch(payload);
    case kAuthMoreDataHeader:
      return on_more_data(payload);
    case kAuthNextFactorHeader:
      return refuse(LoginRefusal::several_factors,
                    "the account asks for more than a password; use one with a single factor");
    default:
      return refuse(LoginRefusal::malformed, "the server sent a packet that no login has");
  }
}

ClientAuthStep ClientAuth::on_switch(Bytes payload) {
  if (payload.size() == 1)
    return refuse(LoginRefusal::weak_method,
                  "the server asks for mysql_old_password, which gives the password away");
  const std::optional<AuthSwitchRequest> request = decode_auth_switch_request(payload);
  if (!request || ++switches_ > kMaxSwitches)
    return refuse(LoginRefusal::malformed, "the server's change of method is malformed");
  const std::string name = printable(request->plugin);
  if (name == "mysql_clear_password" || name == "mysql_old_password")
    return refuse(LoginRefusal::weak_method,
                  "the server asks for " + name + ", which gives the password away");
  if (name != kNativePassword && name != kCachingSha2 && name != kEd25519 && name != kParsec)
    return refuse(LoginRefusal::method_unsupported,
                  "the account uses " + name +
                      "; use caching_sha2_password, mysql_native_password, or MariaDB's ed25519 or "
                      "parsec");
  if (name != kNativePassword && !options_.native_key.empty())
    return refuse(LoginRefusal::password_wanted,
                  "the account uses " + name +
                      ", for which the password itself is needed, and the client has proved it "
                      "without telling it");
  if (name == kEd25519) return on_ed25519(request->data);
  if (name == kParsec) return on_parsec(request->data);
  const std::optional<Nonce> nonce = read_nonce(request->data);
  if (!nonce)
    return refuse(LoginRefusal::malformed,
                  "the server's change of method has no nonce of 20 bytes");
  nonce_ = *nonce;
  return send(scramble(name));
}

ClientAuthStep ClientAuth::on_ed25519(Bytes nonce) {
  more_data_due_ = false;
  if (nonce.size() != kEd25519NonceSize)
    return refuse(LoginRefusal::malformed,
                  "the server's change of method has no nonce of 32 bytes");
  return send(ed25519_sign(options_.password, nonce));
}

ClientAuthStep ClientAuth::on_parsec(Bytes nonce) {
  more_data_due_ = false;
  const std::optional<ParsecNonce> read = read_parsec_nonce(nonce);
  if (!read)
    return refuse(LoginRefusal::malformed,
                  "the server's change of method has no nonce of 32 bytes");
  parsec_nonce_ = *read;
  state_ = State::parsec_recipe;
  return send({});
}

ClientAuthStep ClientAuth::on_parsec_recipe(Bytes payload) {
  const std::optional<Bytes> data = decode_auth_more_data(payload);
  if (!data)
    return refuse(LoginRefusal::malformed, "the server sent data that parsec does not have");
  const std::optional<ParsecRecipe> recipe = decode_parsec_recipe(*data);
  if (!recipe)
    return refuse(LoginRefusal::malformed,
                  "the server wants a key for parsec to be made in a way that is not known, or in "
                  "more than 8192 rounds");
  std::optional<std::string> answer = parsec_answer(options_.password, *recipe, parsec_nonce_);
  if (!answer) return refuse(LoginRefusal::malformed, "no randomness to be had from the system");
  state_ = State::verdict;
  return send(std::move(*answer));
}

ClientAuthStep ClientAuth::on_more_data(Bytes payload) {
  const Bytes data = payload.subspan(1);
  if (!more_data_due_ || data.size() != 1 || (data[0] != kFastAuthOk && data[0] != kFullAuthNeeded))
    return refuse(LoginRefusal::malformed, "the server sent data that the method does not have");
  more_data_due_ = false;
  if (data[0] == kFastAuthOk) {
    ClientAuthStep step;
    step.kind = ClientAuthStep::Kind::wait;
    return step;
  }
  if (!options_.secure_channel) {
    state_ = State::public_key;
    return send(std::string(1, static_cast<char>(kRequestPublicKey)));
  }
  std::string clear;
  clear.reserve(std::max<std::size_t>(options_.password.size() + 1, 64));  // moved, never copied
  clear.append(options_.password).push_back('\0');
  return send(std::move(clear));
}

ClientAuthStep ClientAuth::on_public_key(Bytes payload) {
  const std::optional<Bytes> pem = decode_auth_more_data(payload);
  if (!pem) return refuse(LoginRefusal::malformed, "the server sent no public key");
  std::optional<std::string> message = encrypt_password(as_text(*pem), options_.password, nonce_);
  if (!message)
    return refuse(
        LoginRefusal::password_unencryptable,
        "the server's RSA key is not usable (2048 to 8192 bits are), or the password is too "
        "long for it");
  state_ = State::verdict;
  return send(std::move(*message));
}

ClientAuthStep ClientAuth::send(std::string payload) {
  ClientAuthStep step;
  step.kind = ClientAuthStep::Kind::send;
  step.send = std::move(payload);
  return step;
}

ClientAuthStep ClientAuth::over(ClientAuthStep::Kind kind, Bytes packet) {
  state_ = State::over;
  ClientAuthStep step;
  step.kind = kind;
  step.packet = packet;
  return step;
}

ClientAuthStep ClientAuth::refuse(LoginRefusal refusal, std::string text) {
  state_ = State::over;
  ClientAuthStep step;
  step.refusal = refusal;
  step.text = std::move(text);
  return step;
}

}  // namespace weir::protocol
