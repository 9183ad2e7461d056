#include "proxy/session/login.h"

#include <utility>

#include "protocol/frame.h"
#include "protocol/handshake.h"

namespace weir {
namespace {

using namespace protocol;

constexpr Capabilities kForwarded =
    kFoundRows | kNoSchema | kOdbc | kLocalFiles | kIgnoreSpace | kInteractive | kMultiStatements |
    kMultiResults | kPsMultiResults | kCanHandleExpiredPasswords | kDeprecateEof |
    kQueryAttributes | kMariadbBulkOperations | kMariadbExtendedMetadata | kMariadbBulkUnitResults;

// What weir does for itself, whatever the servers can do.
constexpr Capabilities kOwn = kCompress | kZstdCompression | kLongFlag | kConnectWithDb |
                              kProtocol41 | kIgnoreSigpipe | kTransactions | kReserved |
                              kSecureConnection | kPluginAuth | kConnectAttrs |
                              kPluginAuthLenencData | kSessionTrack;

// As servers do: longer names exist in no account.
constexpr std::size_t kMaxUser = 128;
constexpr std::size_t kMaxSchema = 256;

// A stranger gets this much memory, and no more: attributes and all.
constexpr std::size_t kMaxPacket = 64u << 10;

}  // namespace

// The absence of kLongPassword is how MariaDB makes itself known.
Capabilities offered_capabilities(Capabilities primary) {
  return kOwn | (primary & (kForwarded | kLongPassword));
}
Capabilities forwarded_capabilities(Capabilities client) {
  return client & kForwarded;
}

Offer offer_of(const Topology& topology) {
  return {topology.greeting_version, offered_capabilities(topology.capabilities),
          static_cast<std::uint8_t>(topology.default_collation)};
}

Login::Login(const AccountSource& accounts, const RsaKey* key, std::string host, bool secure)
    : accounts_(accounts), key_(key), host_(std::move(host)), secure_(secure) {}

Login Login::resume(const AccountSource& accounts, const RsaKey* key, std::string host, bool secure,
                    const ClientIdentity& identity) {
  Login login(accounts, key, std::move(host), secure);
  login.auth_.emplace(ServerAuth::Options{identity.nonce, key, secure});
  login.responded_ = true;
  login.identity_.capabilities = identity.capabilities;
  login.identity_.collation = identity.collation;
  login.identity_.nonce = identity.nonce;
  return login;
}

std::string Login::greeting(const Offer& offer, std::uint32_t connection_id) {
  const auto nonce = make_nonce();
  if (!nonce) return {};
  auth_.emplace(ServerAuth::Options{*nonce, key_, secure_});
  identity_.nonce = *nonce;
  Greeting greeting;
  greeting.version = offer.version;
  greeting.connection_id = connection_id;
  greeting.nonce = *nonce;
  offered_ = offer.capabilities;
  greeting.capabilities = offered_;
  greeting.collation = offer.collation;
  greeting.status = kStatusAutocommit;
  greeting.plugin = kCachingSha2;
  std::string payload;
  encode_greeting(payload, greeting);
  std::string framed;
  append_frames(framed, payload, sequence_);
  return framed;
}

Login::Step Login::take(std::string& inbox) {
  Step step;
  while (step.kind == Step::Kind::wait) {
    const Bytes in = as_bytes(inbox);
    if (in.size() < kFrameHeaderSize) break;
    const FrameHeader header = read_frame_header(in);
    Step next;
    std::string packet;
    if (header.sequence == sequence_ && header.length > kMaxPacket) {
      ++sequence_;
      next = refuse(errors::packet_too_large());
    } else if (header.sequence == sequence_ && in.size() < kFrameHeaderSize + header.length) {
      break;
    } else {
      packet = inbox.substr(0, kFrameHeaderSize + header.length);
      inbox.erase(0, packet.size());
      next = feed(header, as_bytes(packet).subspan(kFrameHeaderSize));
    }
    wipe(packet);
    next.send.insert(0, step.send);
    step = std::move(next);
  }
  return step;
}

Login::Step Login::feed(const FrameHeader& header, Bytes payload) {
  if (header.sequence != sequence_) return refuse(errors::packets_out_of_order());
  ++sequence_;
  if (!responded_) return on_response(payload);
  return on_auth_step(auth_->feed(payload));
}

void Login::secure_channel() {
  secure_ = tls_begun_ = true;
  auth_->secure_channel();
}

Login::Step Login::on_response(Bytes payload) {
  const bool may_ask_for_tls = (offered_ & kSsl) != 0 && !tls_begun_;
  if (may_ask_for_tls && decode_ssl_request(payload)) {
    Step step;
    step.kind = Step::Kind::start_tls;
    return step;
  }
  const auto response = decode_handshake_response(payload);
  // In clear a response that claims to be inside TLS is none.
  if (!response || ((response->capabilities & kSsl) != 0 && !tls_begun_)) {
    return refuse(errors::bad_handshake());
  }
  if (tls_required_ && !secure_) return refuse(errors::insecure_transport());
  responded_ = true;
  identity_.capabilities = response->capabilities & offered_ & ~kSsl;
  identity_.collation = response->collation;
  identity_.schema = response->database;
  identity_.zstd_level = response->zstd_level;
  if (response->user.size() > kMaxUser || response->database.size() > kMaxSchema) {
    return refuse(errors::access_denied(response->user.substr(0, kMaxUser), host_,
                                        !response->auth_response.empty()));
  }
  if (!look_up(response->user)) {
    return refuse(errors::access_denied(user_, host_, !response->auth_response.empty()));
  }
  if (needs_tls()) return refuse(errors::user_needs_tls());
  return on_auth_step(auth_->start(*response, lookup_->account));
}

Login::Step Login::start_change_user(Bytes payload) {
  sequence_ = 1;  // the command had 0
  const auto request = decode_change_user(payload, identity_.capabilities);
  const auto nonce = make_nonce();
  if (!request || !nonce) return refuse(errors::unknown_command());
  identity_.schema = request->database;
  if (request->collation) {
    // Logins, as which other connections take it over, have one byte for it.
    if (*request->collation > 0xff) {
      return refuse(errors::collation_beyond_login(*request->collation));
    }
    identity_.collation = static_cast<std::uint8_t>(*request->collation);
  }
  if (!look_up(request->user)) {
    return refuse(errors::access_denied(user_, host_, !request->auth_response.empty()));
  }
  if (needs_tls()) return refuse(errors::user_needs_tls());
  return on_auth_step(
      auth_->start_change_user(*request, identity_.capabilities, lookup_->account, *nonce));
}

// False: not now.
bool Login::look_up(std::string_view user) {
  user_ = user;
  barred_ = gate_ && !gate_(user_);
  if (!barred_) lookup_.emplace(accounts_.find(user, host_));
  return !barred_;
}

Login::Step Login::checked(PasswordCheck check, std::optional<std::size_t> which) {
  return on_auth_step(auth_->checked(std::move(check), which));
}

Login::Step Login::ask_for_more() {
  return on_auth_step(auth_->ask_for_more());
}

// Whose password is listed, or known from before, has its credentials; otherwise they are what the
// client has shown.
void Login::accept(ServerAuthStep& auth) {
  identity_.user = user_;
  identity_.listed = lookup_->listed;
  identity_.learnt = lookup_->listed == nullptr;
  identity_.proven.reset();
  const bool told = !auth.password.empty();
  if (told && identity_.listed != nullptr)
    identity_.proven = ProvenPassword{auth.which, KnownPassword::of(auth.password.view())};
  identity_.credentials = lookup_->credentials.at(auth.which);
  if (identity_.credentials != nullptr) return;
  identity_.credentials = std::make_shared<const Credentials>(
      Credentials{user_, std::move(auth.password), told ? Secret() : std::move(auth.native_key)});
}

Login::Step Login::on_auth_step(ServerAuthStep auth) {
  Step step;
  if (!auth.send.empty()) append_frames(step.send, auth.send, sequence_);
  switch (auth.kind) {
    case ServerAuthStep::Kind::wait:
      return step;
    case ServerAuthStep::Kind::check:
      step.kind = Step::Kind::check;
      step.check = std::move(auth.check);
      return step;
    case ServerAuthStep::Kind::verified:
      identity_.known = true;
      break;
    case ServerAuthStep::Kind::learned:
      lookup_->credentials = {};  // another password than the one known from before
      break;
    case ServerAuthStep::Kind::denied: {
      Step refused;
      if (auth.denial == AuthDenial::malformed) {
        refused = refuse(errors::bad_handshake());
      } else if (auth.denial == AuthDenial::method_unsupported) {
        refused = refuse(errors::old_client(user_));
      } else {
        refused = refuse(errors::access_denied(user_, host_, auth_->used_password()));
      }
      refused.send = std::move(step.send);
      return refused;
    }
  }
  accept(auth);
  step.kind = Step::Kind::accepted;
  return step;
}

Login::Step Login::refuse(ClientError error) {
  Step step;
  step.kind = Step::Kind::refused;
  step.error = std::move(error);
  return step;
}

}  // namespace weir
