// What is known about the account that a client names, and what proves that the client may use it.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/auth/caching_sha2.h"
#include "protocol/auth/native_password.h"
#include "protocol/auth/secret.h"
#include "protocol/auth/stored_password.h"

namespace weir::protocol {

// What is known of one password, without the password.
struct KnownPassword {
  static KnownPassword of(std::string_view password);
  static KnownPassword of(const StoredPassword& stored);

  // True when a native answer would be let in.
  bool takes_native() const { return native.has_value() && native_is_enough; }

  bool empty = false;
  std::optional<NativeVerifier> native;
  std::optional<CachingSha2Verifier> sha2;
  std::optional<CryptedPassword> crypted;
  bool native_is_enough = true;  // false: the password itself is wanted
};

// A password that a client has told, to be compared with stored ones. Takes milliseconds for each:
// nothing for a thread that has other clients to serve.
struct PasswordCheck {
  Secret password;
  std::vector<std::optional<CryptedPassword>> crypted;  // by password of the account

  // Which one it is; nothing: none.
  std::optional<std::size_t> run() const;
};

// A value of its own.
class Account {
 public:
  // The password is settled: a wrong one is denied.
  static Account listed(std::string_view password);
  // The same with several passwords, each of which lets in; at least one.
  static Account listed(std::vector<KnownPassword> passwords);
  // The password was learnt from an earlier login and may have changed since: a wrong one leads to
  // full authentication.
  static Account learnt(std::string_view password);
  // Nothing is known: the password must be learnt by full authentication.
  static Account unknown();
  // Nobody may come in under this name. Does the same work and ends with the same words as a listed
  // account whose password is wrong, so that names cannot be guessed.
  static Account denied();

  // The same for the kind of conversation that this account leads to.
  Account denied_like_this() const;

 private:
  friend class ServerAuth;
  enum class Kind : std::uint8_t { listed, learnt, unknown };

  Account(Kind kind, std::vector<KnownPassword> passwords);
  // Which of the passwords it is. All are tried, whichever it is.
  std::optional<std::size_t> by_native(Bytes answer, const Nonce& nonce) const;
  std::optional<std::size_t> by_sha2(Bytes answer, const Nonce& nonce) const;
  std::optional<std::size_t> by_password(std::string_view password) const;
  std::optional<std::size_t> empty_one() const;
  // A wrong answer is not the end: the client may tell the right password in full authentication.
  bool may_learn() const { return kind_ != Kind::listed; }
  // An answer by the method does not tell of every password whether it is right.
  bool needs_more_than_native() const;
  bool needs_more_than_sha2() const;
  std::vector<std::optional<CryptedPassword>> crypted() const;

  Kind kind_;
  bool nobody_ = false;
  std::vector<KnownPassword> passwords_;
};

// Takes names that do not exist for one of the listed ones, each always for the same, so that the
// answer to a name does not tell whether it exists.
class Decoys {
 public:
  // `secret` is what strangers do not know; the same secret makes the same choices.
  Decoys(std::string_view secret, std::size_t choices);
  // Less than `choices`, which was not 0.
  std::size_t choose(std::string_view name) const;

 private:
  std::array<std::uint8_t, 32> key_;
  std::size_t choices_;
};

}  // namespace weir::protocol
