// TLS between a client and a server that only hand each other bytes.

#include "proxy/net/tls_session.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "test/support/catch.h"
#include "test/support/certificates.h"

namespace weir {
namespace {

using protocol::as_bytes;
using test::pem;

ClientTlsConfig shown(const std::string& name) {
  ClientTlsConfig config;
  config.cert = pem(name);
  config.key = pem(name + "-key");
  return config;
}

ServerTlsConfig asked(ServerTlsMode mode, const std::string& ca = "ca") {
  ServerTlsConfig config;
  config.mode = mode;
  if (mode == ServerTlsMode::verify_ca || mode == ServerTlsMode::verify_identity) {
    config.ca = pem(ca);
  }
  return config;
}

// One side, and what it has got.
struct Side {
  std::unique_ptr<TlsSession> tls;
  std::string out = {};
  std::string received = {};

  void take(std::string_view wire, std::size_t piece) {
    std::array<std::uint8_t, 1000> room;
    for (; !wire.empty(); wire.remove_prefix(std::min(piece, wire.size()))) {
      protocol::Bytes in = as_bytes(wire.substr(0, piece));
      std::size_t got = 0;
      do {
        got = tls->receive(in, room, out);
        received.append(reinterpret_cast<const char*>(room.data()), got);
      } while (got == room.size());
      if (tls->failure().empty() && !tls->ended()) CHECK(in.empty());
    }
  }
};

struct Talk {
  Talk(const ClientTlsConfig& server_config, const ServerTlsConfig& client_config,
       const std::string& host, std::size_t size = 100000)
      : piece(size), client_context(TlsContext::for_servers(client_config)) {
    server.tls = TlsSession::accept(TlsContext::for_clients(server_config));
    client.tls = TlsSession::connect(client_context, host, ticket);
    client.tls->start(client.out);
    exchange();
  }
  void exchange() {
    while (!client.out.empty() || !server.out.empty()) {
      server.take(std::exchange(client.out, {}), piece);
      client.take(std::exchange(server.out, {}), piece);
    }
  }
  // Nothing has to be said any more, and neither side has said no.
  bool good() const {
    return client.tls->established() && server.tls->established() &&
           client.tls->failure().empty() && server.tls->failure().empty();
  }

  std::size_t piece;
  TlsTicket ticket;
  TlsContextPtr client_context;
  Side client{};
  Side server{};
};

TEST_CASE("tls: what one side says is what the other gets, however it is cut", "[tls]") {
  const std::size_t piece = GENERATE(1, 7, 1000, 100000);
  Talk talk(shown("server"), asked(ServerTlsMode::preferred), "127.0.0.1", piece);
  REQUIRE(talk.good());
  std::string text;
  for (int i = 0; text.size() < 50000; ++i) text += std::to_string(i) + ",";
  talk.client.tls->send(as_bytes(text), talk.client.out);
  talk.server.tls->send(as_bytes("short"), talk.server.out);
  CHECK(talk.client.out.find("1,2,3,4,5") == std::string::npos);
  talk.exchange();
  CHECK(talk.server.received == text);
  CHECK(talk.client.received == "short");
  talk.client.tls->farewell(talk.client.out);
  talk.exchange();
  CHECK(talk.server.tls->ended());
  CHECK(talk.server.tls->failure().empty());
}

TEST_CASE("tls: a certificate of weir's own will do for clients that verify nothing", "[tls]") {
  CHECK(Talk(ClientTlsConfig{}, asked(ServerTlsMode::preferred), "db1").good());
  CHECK(Talk(ClientTlsConfig{}, asked(ServerTlsMode::required), "db1").good());
  const Talk verified(ClientTlsConfig{}, asked(ServerTlsMode::verify_ca), "db1");
  CHECK(verified.client.tls->failure() == "certificate verify failed (self-signed certificate)");
  CHECK_FALSE(verified.server.tls->failure().empty());
}

TEST_CASE("tls: who a server is", "[tls]") {
  struct Row {
    std::string cert;
    ServerTlsMode mode;
    std::string host;
    std::string failure;
  };
  const Row row = GENERATE(values<Row>({
      {"server", ServerTlsMode::verify_ca, "db1", ""},
      {"server", ServerTlsMode::verify_identity, "localhost", ""},
      {"server", ServerTlsMode::verify_identity, "127.0.0.1", ""},
      {"elsewhere", ServerTlsMode::verify_ca, "localhost", ""},
      {"elsewhere", ServerTlsMode::verify_identity, "localhost",
       "certificate verify failed (hostname mismatch)"},
      {"elsewhere", ServerTlsMode::verify_identity, "127.0.0.1",
       "certificate verify failed (IP address mismatch)"},
      {"stranger", ServerTlsMode::required, "localhost", ""},
      {"stranger", ServerTlsMode::verify_ca, "localhost",
       "certificate verify failed (unable to get local issuer certificate)"},
      {"stranger", ServerTlsMode::verify_identity, "localhost",
       "certificate verify failed (unable to get local issuer certificate)"},
  }));
  CAPTURE(row.cert, static_cast<int>(row.mode), row.host);
  const Talk talk(shown(row.cert), asked(row.mode), row.host);
  CHECK(talk.client.tls->failure() == row.failure);
  CHECK(talk.good() == row.failure.empty());
}

TEST_CASE("tls: who a client is", "[tls]") {
  ClientTlsConfig server = shown("server");
  server.ca = pem("ca");
  const bool required = GENERATE(false, true);
  if (required) server.client_certificates = ClientCertificates::required;
  ServerTlsConfig client = asked(ServerTlsMode::verify_ca);
  CHECK(Talk(server, client, "db1").good() == !required);
  client.cert = pem("client");
  client.key = pem("client-key");
  CHECK(Talk(server, client, "db1").good());
  client.cert = pem("stranger");
  client.key = pem("stranger-key");
  const Talk stranger(server, client, "db1");
  CHECK(stranger.server.tls->failure() ==
        "certificate verify failed (unable to get local issuer certificate)");
}

TEST_CASE("tls: the next handshake with a server is shorter", "[tls]") {
  const TlsContextPtr server = TlsContext::for_clients(shown("server"));
  const TlsContextPtr client = TlsContext::for_servers(asked(ServerTlsMode::verify_identity));
  TlsTicket ticket;
  const auto resumes = [&](const TlsContextPtr& context) {
    Side near{TlsSession::connect(context, "localhost", ticket)};
    Side far{TlsSession::accept(server)};
    near.tls->start(near.out);
    while (!near.out.empty() || !far.out.empty()) {
      far.take(std::exchange(near.out, {}), 100000);
      near.take(std::exchange(far.out, {}), 100000);
    }
    REQUIRE(near.tls->established());
    CHECK(near.tls->resumed() == far.tls->resumed());
    return near.tls->resumed();
  };
  CHECK_FALSE(resumes(client));
  CHECK(resumes(client));
  CHECK(resumes(client));
  // What was agreed on by other rules does not count.
  CHECK_FALSE(resumes(TlsContext::for_servers(asked(ServerTlsMode::verify_identity))));
}

TEST_CASE("tls: what is no TLS ends it", "[tls]") {
  const std::string wire =
      GENERATE(as<std::string>{}, "GET / HTTP/1.1\r\n\r\n", std::string(100, '\0'),
               std::string(70000, '\xff'), "\x16\x03\x01\xff\xff is more than a record may have");
  Side server{TlsSession::accept(TlsContext::for_clients(shown("server")))};
  server.take(wire, 100000);
  CHECK_FALSE(server.tls->failure().empty());
  CHECK_FALSE(server.tls->established());
  CHECK(server.received.empty());
}

TEST_CASE("tls: a record that was changed on the way ends it", "[tls]") {
  Talk talk(shown("server"), asked(ServerTlsMode::required), "db1");
  REQUIRE(talk.good());
  talk.client.tls->send(as_bytes("transfer 10"), talk.client.out);
  talk.client.out.back() = static_cast<char>(talk.client.out.back() ^ 1);
  talk.exchange();
  CHECK(talk.server.received.empty());
  CHECK_FALSE(talk.server.tls->failure().empty());
}

std::string why_not(const ClientTlsConfig& config) {
  try {
    TlsContext::for_clients(config);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("tls: files that are no good are named, with the reason", "[tls]") {
  ClientTlsConfig config = shown("server");
  config.cert = "/nowhere/cert.pem";
  CHECK(why_not(config) == "tls.client.cert = \"/nowhere/cert.pem\": No such file or directory");
  config = shown("server");
  config.key = pem("elsewhere-key");
  CHECK(why_not(config).find("it is not the key of the certificate in " + pem("server")) !=
        std::string::npos);
  config.key = pem("server");
  CHECK(why_not(config).find("it holds no private key in PEM") != std::string::npos);
  config.cert = pem("server-key");
  CHECK(why_not(config).find("it holds no certificates in PEM") != std::string::npos);
  config = shown("server");
  config.ca = "/dev/null";
  CHECK(why_not(config).find("tls.client.ca = \"/dev/null\": it holds no certificates") == 0);
  config.ca.clear();
  config.key = "/tmp";
  CHECK(why_not(config) == "tls.client.key = \"/tmp\": it is not a regular file");
}

TEST_CASE("tls: a key that others can read is refused", "[tls]") {
  namespace fs = std::filesystem;
  const fs::path copy = pem("readable-key");
  fs::copy_file(pem("server-key"), copy, fs::copy_options::overwrite_existing);
  fs::permissions(copy, fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read);
  ClientTlsConfig config = shown("server");
  config.key = copy;
  CHECK(why_not(config).find("others than its owner may use it (mode 0604); run chmod 600 on it") !=
        std::string::npos);
}

TEST_CASE("tls: new files are all used or none", "[tls]") {
  TlsConfig config;
  config.client = shown("server");
  TlsContexts contexts;
  contexts.load(config);
  const TlsContextPtr before = contexts.clients();
  REQUIRE(before != nullptr);
  REQUIRE(contexts.servers() != nullptr);
  config.server = asked(ServerTlsMode::verify_ca);
  config.server.ca = "/nowhere";
  CHECK_THROWS(contexts.load(config));
  CHECK(contexts.clients() == before);
  config.server.mode = ServerTlsMode::disabled;
  contexts.load(config);
  CHECK(contexts.clients() != before);
  CHECK(contexts.servers() == nullptr);
}

}  // namespace
}  // namespace weir
