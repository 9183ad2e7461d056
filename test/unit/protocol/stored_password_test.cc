#include "protocol/auth/stored_password.h"

#include <vector>

#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::protocol {
namespace {

using test::ExactBytes;

std::string crypted(const std::string& password, const std::string& salt, unsigned rounds) {
  const ExactBytes exact(salt);
  const Sha256CryptText text = sha256_crypt(password, exact, rounds);
  return {text.begin(), text.end()};
}

// Made with crypt(3) of glibc's successor libxcrypt.
TEST_CASE("sha256 crypt: known answers") {
  CHECK(crypted("Hello world!", "saltstring", 5000) ==
        "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
  CHECK(crypted("Hello world!", "saltstringsaltst", 10000) ==
        "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA");
  CHECK(crypted("we have a short salt string but not a short password", "short", 77777) ==
        "JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/");
  CHECK(crypted("x", "s", 5000) == "dW5XYXYClLA6gQlrluhRP/DxJYAevXA9e.Rufup9G5.");
  CHECK(crypted(std::string(100, 'p'), "abcdefgh", 5000) ==
        "b6SqEvSm9yUWyYCbscJ2BpXGnnZOrFL8D6FsxkXvQ1A");
}

struct Stored {
  const char* password;
  std::string hex;  // as MySQL 9.7.4 shows it
};

const std::vector<Stored>& stored_by_mysql() {
  static const std::vector<Stored> all = {
      {"secret",
       "244124303041241F51676A2D3F65140C09435C3D153E7B462545514E4538734F444232376A38716D6457613878"
       "6D49314664473676704D616169532E67364350592E64696D36"},
      {"a longer password, of more than thirty-two bytes",
       "244124303041242116027C1F06554D2D0B54250D7C6B4C336D095D752E6E32484B33556C636A797A7979717733"
       "5736366D6A61593550486D723331544364732F614B58686C44"},
  };
  return all;
}

TEST_CASE("stored password: what is longer than any password costs no work") {
  CryptedPassword stored;
  stored.rounds = 1000;
  for (const std::size_t size : {CryptedPassword::kLongest, CryptedPassword::kLongest + 1}) {
    const std::string password(size, 'p');
    stored.text = sha256_crypt(password, stored.salt, stored.rounds);
    CHECK(stored.is(password) == (size == CryptedPassword::kLongest));
  }
}

TEST_CASE("stored password: what a server stores for caching_sha2_password") {
  for (const Stored& stored : stored_by_mysql()) {
    CAPTURE(stored.password);
    const auto parsed = parse_stored_password("0x" + stored.hex);
    REQUIRE(parsed);
    const auto* crypted = std::get_if<CryptedPassword>(&*parsed);
    REQUIRE(crypted != nullptr);
    CHECK(crypted->rounds == 10000);
    CHECK(crypted->is(stored.password));
    CHECK_FALSE(crypted->is("Secret"));
    CHECK_FALSE(crypted->is(""));
    CHECK_FALSE(crypted->is(std::string(stored.password) + "x"));
  }
}

TEST_CASE("stored password: as text and in hexadecimal digits") {
  const std::string native = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";
  for (const std::string& text :
       {native, std::string("*14e65567abdb5135d0cfd9a70b3032c179a49ee7"),
        std::string("0x2A31344536353536374142444235313335443043464439413730423330333243313739413439"
                    "454537"),
        std::string("0X2a31344536353536374142444235313335443043464439413730423330333243313739413439"
                    "454537")}) {
    CAPTURE(text);
    const auto parsed = parse_stored_password(text);
    REQUIRE(parsed);
    const auto* verifier = std::get_if<NativeVerifier>(&*parsed);
    REQUIRE(verifier != nullptr);
    CHECK(*verifier == native_verifier("secret"));
    CHECK(what_is_wrong_with_stored_password(text).empty());
  }
  // A salt may hold anything.
  const std::string crypted = "$A$005$" + std::string("\x01\n'\"\\\x7f $*0123456789Q") +
                              "NE8sODB27j8qmdWa8xmI1FdG6vpMaaiS.g6CPY.dim6";
  CHECK(parse_stored_password(crypted));
}

TEST_CASE("stored password: what is none") {
  const std::string salt(20, 's');
  const std::string text(43, 'x');
  for (const std::string& wrong : {std::string(),
                                   std::string("secret"),
                                   std::string("*"),
                                   "*" + std::string(39, 'A'),
                                   "*" + std::string(41, 'A'),
                                   "*" + std::string(42, 'A'),
                                   "*" + std::string(40, 'G'),
                                   std::string("0x"),
                                   std::string("0x2"),
                                   std::string("0x2AZZ"),
                                   std::string("0x2AAZ"),
                                   std::string("$A$"),
                                   "$A$005" + salt + text,
                                   "$A$005!" + salt + text,
                                   "$A$005$" + salt + std::string(43, ':'),
                                   "$A$005$" + salt + std::string(43, '_'),
                                   "$A$005$" + salt + std::string(43, '{'),
                                   "$A$005$" + salt + text + "x",
                                   "$A$005$" + salt + text.substr(1),
                                   "$B$005$" + salt + text,
                                   "$A$xyz$" + salt + text,
                                   "$A$004$" + salt + text,
                                   "$A$000$" + salt + text,
                                   "$A$005$" + salt + std::string(43, '!'),
                                   "$A$005$" + salt.substr(1) + text}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_stored_password(wrong));
    const std::string why = what_is_wrong_with_stored_password(wrong);
    CHECK(why.find("as SHOW CREATE USER prints them") != std::string::npos);
  }
  CHECK(parse_stored_password("$A$005$" + salt + text));
}

}  // namespace
}  // namespace weir::protocol
