// A login with both sides of it in the test.

#pragma once

#include <string>

#include "protocol/auth/client_auth.h"
#include "protocol/frame.h"
#include "proxy/session/login.h"
#include "test/support/catch.h"
#include "test/support/exact_bytes.h"

namespace weir::test {

// Carries packets between the two sides of a login until there is a verdict. `framed` is what the
// client is sent first.
inline Login::Step converse(Login& login, protocol::ClientAuth& client, std::string framed) {
  std::uint8_t sequence = 0;
  for (int packets = 0; packets < 20; ++packets) {
    REQUIRE(framed.size() >= protocol::kFrameHeaderSize);
    const ExactBytes frame(framed);
    CHECK(protocol::read_frame_header(frame).sequence == sequence);
    const protocol::ClientAuthStep said =
        client.feed(protocol::Bytes(frame).subspan(protocol::kFrameHeaderSize));
    REQUIRE(said.kind == protocol::ClientAuthStep::Kind::send);
    protocol::FrameHeader header;
    header.length = static_cast<std::uint32_t>(said.send.size());
    header.sequence = static_cast<std::uint8_t>(sequence + 1);
    sequence = static_cast<std::uint8_t>(sequence + 2);
    Login::Step step = login.feed(header, ExactBytes(said.send));
    if (step.kind != Login::Step::Kind::wait) return step;
    framed = step.send;
  }
  FAIL("the login does not end");
  return {};
}

}  // namespace weir::test
