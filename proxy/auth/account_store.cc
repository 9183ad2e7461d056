#include "proxy/auth/account_store.h"

#include <algorithm>

#include "protocol/auth/stored_password.h"

namespace weir {
namespace {

using protocol::Account;
using protocol::KnownPassword;
using protocol::Secret;

// What was learnt is a cache: at this size it starts afresh, and the next logins teach it again.
constexpr std::size_t kMaxLearnt = 10000;

CredentialsPtr make_credentials(const std::string& user, std::string_view password) {
  return std::make_shared<const Credentials>(Credentials{user, Secret(password)});
}

// A unix socket is on this machine.
bool is_within(const std::vector<Network>& networks, std::string_view host) {
  if (networks.empty()) return true;
  const auto address = parse_ip_address(host == "localhost" ? "127.0.0.1" : host);
  return address && std::any_of(networks.begin(), networks.end(),
                                [&](const Network& network) { return network.contains(*address); });
}

// What strangers do not know, and what is the same after a restart.
std::string secrets_of(const Config& config) {
  std::string all;
  for (const UserConfig& user : config.users) {
    for (const std::string* each : {&user.name, &user.password, &user.verifier}) {
      all.append(*each).push_back('\0');
    }
  }
  return all;
}

}  // namespace

bool Credentials::operator==(const Credentials& other) const {
  return user == other.user && password.view() == other.password.view() &&
         native_key.view() == other.native_key.view();
}

AccountStore::AccountStore(std::shared_ptr<const Config> config) : config_(std::move(config)) {
  for (const UserConfig& user : config_->users) {
    by_name_.emplace(user.name, listed_.size());
    listed_.push_back(make(user));
  }
  if (listed_.empty()) return;
  std::string secret = secrets_of(*config_);
  decoys_.emplace(secret, listed_.size());
  protocol::wipe(secret);
}

AccountStore::Listed AccountStore::make(const UserConfig& user) {
  Listed made;
  made.config = &user;
  for (const std::string& text : user.allow_from) {
    if (const auto network = parse_network(text)) made.allow_from.push_back(*network);
  }
  if (user.verifier.empty()) {
    made.passwords.push_back(KnownPassword::of(user.password));
    made.credentials[0] = make_credentials(user.name, user.password);
  }
  for (const std::string* text : {&user.verifier, &user.verifier_next}) {
    if (const auto stored = protocol::parse_stored_password(*text)) {
      made.passwords.push_back(KnownPassword::of(*stored));
    }
  }
  if (!user.backend.user.empty()) {
    made.credentials.fill(make_credentials(user.backend.user, user.backend.password));
  }
  return made;
}

AccountStore::Lookup AccountStore::find(std::string_view user, std::string_view host) const {
  const std::string name(user);
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    const Listed& listed = listed_[found->second];
    Lookup lookup = look_up(listed);
    if (is_within(listed.allow_from, host)) return lookup;
    return {lookup.account.denied_like_this(), {}, nullptr, lookup.requires_tls};
  }
  if (config_->auth.mode == AuthMode::users) {
    if (!decoys_) return {Account::denied()};
    const Lookup lookup = look_up(listed_[decoys_->choose(name)]);
    return {lookup.account.denied_like_this(), {}, nullptr, lookup.requires_tls};
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = learnt_.find(name); found != learnt_.end()) {
    return {Account::learnt(found->second->password.view()), {found->second}};
  }
  return {Account::unknown()};
}

AccountStore::Lookup AccountStore::look_up(const Listed& user) const {
  std::vector<KnownPassword> passwords = user.passwords;
  std::array<CredentialsPtr, kMostPasswords> credentials = user.credentials;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < passwords.size(); ++i) {
      if (const auto& proven = user.proven[i]) {
        passwords[i] = proven->known;
        credentials[i] = proven->credentials;
      } else if (user.wants_password && credentials[i] == nullptr) {
        passwords[i].native_is_enough = false;
      }
    }
  }
  return {Account::listed(std::move(passwords)), std::move(credentials), user.config,
          user.config->require_tls};
}

AccountStore::Listed& AccountStore::listed(const UserConfig& user) {
  return listed_[by_name_.at(user.name)];
}

void AccountStore::remember(const CredentialsPtr& credentials) {
  const std::lock_guard lock(mutex_);
  if (learnt_.size() >= kMaxLearnt) learnt_.clear();
  learnt_[credentials->user] = credentials;
}

void AccountStore::remember(const UserConfig& user, const ProvenPassword& proven,
                            const CredentialsPtr& credentials) {
  const std::lock_guard lock(mutex_);
  listed(user).proven.at(proven.which) = Proven{proven.known, credentials};
}

void AccountStore::forget(const CredentialsPtr& credentials) {
  const std::lock_guard lock(mutex_);
  const auto found = learnt_.find(credentials->user);
  if (found != learnt_.end() && found->second == credentials) learnt_.erase(found);
  const auto user = by_name_.find(credentials->user);
  if (user == by_name_.end()) return;
  for (auto& proven : listed_[user->second].proven) {
    if (proven && proven->credentials == credentials) proven.reset();
  }
}

void AccountStore::want_password(const UserConfig& user) {
  const std::lock_guard lock(mutex_);
  listed(user).wants_password = true;
}

bool AccountStore::enter(const UserConfig& user) {
  if (user.max_connections == 0) return true;
  const std::lock_guard lock(mutex_);
  std::size_t& count = connections_[user.name];
  if (count >= user.max_connections) return false;
  ++count;
  return true;
}

void AccountStore::leave(const UserConfig& user) {
  if (user.max_connections == 0) return;
  const std::lock_guard lock(mutex_);
  --connections_[user.name];
}

}  // namespace weir
