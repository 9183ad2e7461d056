#include "proxy/auth/account_store.h"

namespace weir {
namespace {

// What was learnt is a cache: at this size it starts afresh, and the next logins teach it again.
constexpr std::size_t kMaxLearnt = 10000;

CredentialsPtr make(const UserConfig& user) {
  return std::make_shared<const Credentials>(
      Credentials{user.name, protocol::Secret(user.password)});
}

}  // namespace

AccountStore::AccountStore(std::shared_ptr<const Config> config) : config_(std::move(config)) {
  for (const UserConfig& user : config_->users) listed_.emplace(user.name, make(user));
}

AccountStore::Lookup AccountStore::find(std::string_view user) const {
  const std::string name(user);
  if (const auto found = listed_.find(name); found != listed_.end()) {
    return {protocol::Account::listed(found->second->password.view()), found->second,
            config_->find_user(name)};
  }
  if (config_->auth.mode == AuthMode::users) return {protocol::Account::denied(), nullptr, nullptr};
  const std::lock_guard lock(mutex_);
  if (const auto found = learnt_.find(name); found != learnt_.end()) {
    return {protocol::Account::learnt(found->second->password.view()), found->second, nullptr};
  }
  return {protocol::Account::unknown(), nullptr, nullptr};
}

void AccountStore::remember(const CredentialsPtr& credentials) {
  const std::lock_guard lock(mutex_);
  if (learnt_.size() >= kMaxLearnt) learnt_.clear();
  learnt_[credentials->user] = credentials;
}

void AccountStore::forget(const CredentialsPtr& credentials) {
  const std::lock_guard lock(mutex_);
  const auto found = learnt_.find(credentials->user);
  if (found != learnt_.end() && found->second == credentials) learnt_.erase(found);
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
