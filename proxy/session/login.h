// The connection phase with a client, up to the point where weir knows who it is. No I/O: packets
// in, packets out.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/auth/rsa_key.h"
#include "protocol/auth/server_auth.h"
#include "protocol/frame.h"
#include "proxy/auth/account_store.h"
#include "proxy/core/client_error.h"
#include "proxy/core/topology.h"

namespace weir {

// Who a client is and what it asked for.
struct ClientIdentity {
  std::string user;                    // as the client calls itself
  CredentialsPtr credentials;          // with which weir logs in to servers for it
  const UserConfig* listed = nullptr;  // its entry in the configuration, if it has one
  std::string schema;
  protocol::Capabilities capabilities = 0;  // agreed with the client
  std::uint8_t collation = 0;
  std::uint8_t zstd_level = 0;  // as the client wishes, when it compresses with zstd
  protocol::Nonce nonce{};      // of the greeting; in a change of user some clients answer it again
  bool learnt = false;  // the password is what the client claims: only the primary can prove it
  std::optional<ProvenPassword> proven;  // a listed user's that is worth remembering
  bool known = false;                    // the password is one that weir knows
};

// The capabilities that weir offers to a client, while the primary has those given.
protocol::Capabilities offered_capabilities(protocol::Capabilities primary);
// Those of a client's that change what a server sends, and so are asked for on its behalf.
protocol::Capabilities forwarded_capabilities(protocol::Capabilities client);

// What the greeting tells a client about the server that it seems to talk to.
struct Offer {
  std::string_view version;
  protocol::Capabilities capabilities = 0;
  std::uint8_t collation = 0;
};

// What stands in for the primary: its version, and what it and weir can do.
Offer offer_of(const Topology& topology);

class Login {
 public:
  // `accounts` and `key` (null: a password cannot be learnt without a secure channel) outlive the
  // login. `host` is the client's address, for error texts. `secure` as in
  // protocol::ServerAuth::Options.
  Login(const AccountSource& accounts, const protocol::RsaKey* key, std::string host, bool secure);

  // Clients without a secure channel are refused before they tell who they are.
  void require_tls() { tls_required_ = true; }

  // Asked before a password is looked at, with the user's name: false refuses it unseen.
  void set_gate(std::function<bool(std::string_view user)> gate) { gate_ = std::move(gate); }

  // What the client is sent first, framed. Empty when there is no randomness to be had.
  std::string greeting(const Offer& offer, std::uint32_t connection_id);

  struct Step {
    enum class Kind : std::uint8_t {
      wait,
      start_tls,  // everything that comes from now on goes through TLS, see secure_channel()
      check,      // run `check` where that may take its time, then checked(); no packet is due till
                  // then
      accepted,
      refused,
    };
    Kind kind = Kind::wait;
    std::string send;   // framed; to be sent first, whatever the kind
    ClientError error;  // when refused: what to send, and then close
    protocol::PasswordCheck check;
  };
  // Takes the client's packets out of `inbox` until there is a verdict or more must come. What is
  // behind the last packet of the login stays.
  Step take(std::string& inbox);
  // One packet of the client's.
  Step feed(const protocol::FrameHeader& header, protocol::Bytes payload);

  // TLS begins; nothing of what came in clear is left.
  void secure_channel();
  // What came of a check.
  Step checked(protocol::PasswordCheck check, std::optional<std::size_t> which);
  // The client was accepted, and no server lets it in without the password itself.
  Step ask_for_more();

  // COM_CHANGE_USER on a connection that is logged in as `identity`. `payload` has the command
  // byte.
  Step start_change_user(protocol::Bytes payload);
  // What must be kept of a login for COM_CHANGE_USER to be possible.
  static Login resume(const AccountSource& accounts, const protocol::RsaKey* key, std::string host,
                      bool secure, const ClientIdentity& identity);

  // What the client calls itself; empty before it has said so.
  const std::string& user() const { return user_; }
  // The gate was closed.
  bool barred() const { return barred_; }
  // The number that the next packet to the client has.
  std::uint8_t next_sequence() const { return sequence_; }
  // Valid once accepted.
  ClientIdentity take_identity() const { return identity_; }

 private:
  Step on_response(protocol::Bytes payload);
  Step on_auth_step(protocol::ServerAuthStep step);
  Step refuse(ClientError error);
  bool look_up(std::string_view user);
  // Not before it is known whose it is, and not after the client was asked for its password.
  bool needs_tls() const { return lookup_->requires_tls && !secure_; }
  void accept(protocol::ServerAuthStep& auth);

  const AccountSource& accounts_;
  const protocol::RsaKey* key_;
  std::string host_;
  std::string user_;
  bool secure_;
  bool tls_required_ = false;
  bool tls_begun_ = false;
  bool responded_ = false;
  bool barred_ = false;
  std::function<bool(std::string_view)> gate_;  // empty: always open
  std::uint8_t sequence_ = 0;
  protocol::Capabilities offered_ = 0;
  std::optional<protocol::ServerAuth> auth_;
  std::optional<AccountSource::Lookup> lookup_;
  ClientIdentity identity_;
};

}  // namespace weir
