#include "proxy/firewall/firewall.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "proxy/config/nearest.h"

namespace weir {
namespace {

// News is gathered for so long before it is written; and so it is before a failure is tried again.
constexpr std::chrono::milliseconds kPause{500};
constexpr std::chrono::seconds kRetry{5};
}  // namespace

Firewall::Firewall(std::string path, bool learns) : file_(std::move(path)), learns_(learns) {
  try {
    AllowLists lists;
    if (!learns || file_.exists()) {
      lists = file_.read();
      if (learns) file_.check_writable();
    } else {
      file_.write(lists);
    }
    lists_ = std::make_shared<const AllowLists>(std::move(lists));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("firewall.file: {}", error.what()));
  }
  spdlog::info("firewall: {} statements of {} users are in {}", lists_->size(),
               lists_->users().size(), file_.path());
  tell_who_is_full(*lists_);
  thread_ = std::thread([this] { run(); });
}

Firewall::~Firewall() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Firewall::reload() {
  {
    const std::lock_guard lock(mutex_);
    reload_ = true;
  }
  wake_.notify_one();
}

void Firewall::learn(std::string_view user, std::vector<AllowedStatement> statements) {
  const std::lock_guard lock(mutex_);
  // What finds no room will come again.
  for (AllowedStatement& each : statements) pending_.add(user, std::move(each));
  wake_.notify_one();
}

std::shared_ptr<const AllowLists> Firewall::lists() const {
  const std::lock_guard lock(mutex_);
  return lists_;
}

std::map<std::string, std::uint64_t> Firewall::learnt() const {
  const std::lock_guard lock(mutex_);
  return learnt_;
}

// --- on the thread of its own --------------------------------------------------------------------

void Firewall::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    const auto called = [this] { return stopping_ || reload_; };
    const auto due = [&] { return called() || pending_.size() > 0; };
    if (unwritten_.size() == 0) {
      wake_.wait(lock, due);
    } else {
      wake_.wait_for(lock, kRetry, due);
    }
    if (!called()) wake_.wait_for(lock, kPause, called);
    const bool stop = stopping_;
    const bool reload = std::exchange(reload_, false);
    const AllowLists news = std::exchange(pending_, {});
    lock.unlock();
    if (reload) read_again();
    take_in(news);
    if (unwritten_.size() > 0) keep();
    if (stop) return;
  }
}

void Firewall::take_in(const AllowLists& news) {
  if (news.size() == 0) return;
  AllowLists lists = *lists_;
  std::map<std::string, std::uint64_t> learnt;
  for (const auto& [user, statements] : news.users()) {
    for (const AllowedStatement* each : statements.sorted()) {
      if (lists.add(user, *each) != AllowLists::Added::yes) continue;
      unwritten_.add(user, *each);
      ++learnt[user];
    }
  }
  if (learnt.empty()) return;
  publish(std::move(lists));
  const std::lock_guard lock(mutex_);
  for (const auto& [user, count] : learnt) learnt_[user] += count;
}

void Firewall::read_again() {
  try {
    adopt_file();
    spdlog::info("SIGHUP: the firewall's list was read again: {} statements of {} users",
                 lists_->size(), lists_->users().size());
  } catch (const std::runtime_error& error) {
    spdlog::error("SIGHUP: the firewall's list in use stays: {}", error.what());
  }
}

// Writes what was learnt. What somebody has changed in the file is not lost by it.
void Firewall::keep() {
  try {
    if (file_.was_edited()) {
      file_.check_settled();
      adopt_file();
    }
    file_.write(*lists_);
    spdlog::info("firewall: {} new statements were written to {}", unwritten_.size(), file_.path());
    unwritten_ = {};
    told_why_.clear();
  } catch (const std::runtime_error& error) {
    if (std::exchange(told_why_, error.what()) == error.what()) return;
    spdlog::error("firewall: what was learnt cannot be written, which is tried again: {}",
                  error.what());
  }
}

// The lists are those of the file, and what is on its way there.
void Firewall::adopt_file() {
  AllowLists lists = file_.read();
  for (const auto& [user, statements] : unwritten_.users()) {
    for (const AllowedStatement* each : statements.sorted()) lists.add(user, *each);
  }
  publish(std::move(lists));
}

void Firewall::tell_who_is_full(const AllowLists& lists) {
  for (const auto& [user, statements] : lists.users()) {
    if (!learns_ || lists.has_room(user) || !told_full_.insert(user).second) continue;
    spdlog::warn(
        "firewall: no more statements of user {} are learnt: {} of one user and {} MiB of all are "
        "the most",
        config::in_quotes(user), kMostAllowed, kMostAllowedBytes >> 20);
  }
}

void Firewall::publish(AllowLists lists) {
  tell_who_is_full(lists);
  const std::lock_guard lock(mutex_);
  lists_ = std::make_shared<const AllowLists>(std::move(lists));
  version_.fetch_add(1, std::memory_order_release);
}

}  // namespace weir
