// Who may come in, and with what password weir logs in to servers for them. Shared by all workers;
// every call is safe from any thread and none blocks for long.

#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "protocol/auth/account.h"
#include "protocol/auth/secret.h"
#include "proxy/config/config.h"
#include "proxy/config/network.h"

namespace weir {

// An account of the servers and what logs in to it. Shared by the sessions and connections that use
// it; wiped with the last of them.
struct Credentials {
  std::string user;
  protocol::Secret password;
  // SHA1(password), when the client has proved the password without telling it; else empty.
  protocol::Secret native_key = {};

  bool operator==(const Credentials& other) const;
};
using CredentialsPtr = std::shared_ptr<const Credentials>;

// A listed user has one password, or two while it is being changed.
inline constexpr std::size_t kMostPasswords = 2;

// Whom a login asks about a name.
class AccountSource {
 public:
  struct Lookup {
    protocol::Account account;
    // By password of the account; null while it must be learnt, or nobody is let in.
    std::array<CredentialsPtr, kMostPasswords> credentials = {};
    const UserConfig* listed = nullptr;  // lives as long as the configuration
    bool requires_tls = false;           // not over a channel that others could read
  };
  // `host` is the client's address as text, or "localhost" at a unix socket.
  virtual Lookup find(std::string_view user, std::string_view host) const = 0;

 protected:
  ~AccountSource() = default;
};

// A password that a client has told, and that is the stored one of a listed user.
struct ProvenPassword {
  std::size_t which = 0;  // of the user's passwords
  protocol::KnownPassword known;
};

class AccountStore final : public AccountSource {
 public:
  explicit AccountStore(std::shared_ptr<const Config> config);

  Lookup find(std::string_view user, std::string_view host) const override;

  // A password that the primary has accepted.
  void remember(const CredentialsPtr& credentials);
  // From now on this user can prove the password by an answer alone. `credentials` are those of the
  // session.
  void remember(const UserConfig& user, const ProvenPassword& proven,
                const CredentialsPtr& credentials);
  // The servers do not accept these any more. Newer ones of the same user are kept.
  void forget(const CredentialsPtr& credentials);
  // The servers' account cannot be logged in to without the password itself: from now on this user
  // is asked for it.
  void want_password(const UserConfig& user);

  // Takes a place among the user's connections; false when all are taken. Every true is given back
  // with leave(). Users without a limit are not counted.
  bool enter(const UserConfig& user);
  void leave(const UserConfig& user);

 private:
  struct Proven {
    protocol::KnownPassword known;
    CredentialsPtr credentials;
  };
  struct Listed {
    const UserConfig* config = nullptr;
    std::vector<Network> allow_from;                 // empty: everywhere
    std::vector<protocol::KnownPassword> passwords;  // as the configuration has them
    std::array<CredentialsPtr, kMostPasswords> credentials;
    // These are guarded by mutex_.
    std::array<std::optional<Proven>, kMostPasswords> proven;
    bool wants_password = false;
  };

  static Listed make(const UserConfig& user);
  Lookup look_up(const Listed& user) const;
  Listed& listed(const UserConfig& user);

  std::shared_ptr<const Config> config_;
  mutable std::mutex mutex_;
  std::vector<Listed> listed_;                                // as the configuration has them
  std::unordered_map<std::string, std::size_t> by_name_;      // constant after construction
  std::optional<protocol::Decoys> decoys_;                    // nothing: no user is listed
  std::unordered_map<std::string, CredentialsPtr> learnt_;    // guarded by mutex_
  std::unordered_map<std::string, std::size_t> connections_;  // guarded by mutex_
};

}  // namespace weir
