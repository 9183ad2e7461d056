#include "proxy/net/stream_tls.h"

#include <sys/socket.h>

#include <utility>

#include "protocol/auth/secret.h"
#include "proxy/net/shared_room.h"

namespace weir {

void Stream::begin_tls(std::unique_ptr<TlsSession> session, TlsShared& shared, Bytes received) {
  if (handle_ == nullptr || sealing_ != nullptr) return;
  sealing_ = std::make_unique<Sealing>(Sealing{std::move(session), shared, {}});
  sealing_->session->start(shared.sealed);
  flush_sealed();
  if (!received.empty()) on_sealed(received);
}

const std::string& Stream::tls_failure() const {
  return sealing_->session->failure();
}

void Stream::on_sealed(Bytes in) {
  TlsSession& session = *sealing_->session;
  TlsShared& shared = sealing_->shared;
  std::size_t got = 0;
  do {
    got = session.receive(in, shared.plain, shared.sealed);
    flush_sealed();
    write_early();
    if (got > 0) take_plain(std::span(shared.plain).first(got));
    if (handle_ == nullptr) return;
  } while (got == shared.plain.size());
  if (!session.failure().empty()) {
    end(kTlsFailed);
  } else if (session.ended()) {
    end(UV_EOF);
  }
}

void Stream::write_sealed(std::span<const Bytes> slices) {
  TlsSession& session = *sealing_->session;
  TlsShared& shared = sealing_->shared;
  if (!session.established() || !sealing_->early.empty()) {
    for (const Bytes slice : slices) sealing_->early.append(protocol::as_text(slice));
    return;
  }
  Bytes plain = slices.empty() ? Bytes{} : slices.front();
  if (slices.size() > 1) {
    // In one record, as far as it goes.
    for (const Bytes slice : slices) shared.joined.append(protocol::as_text(slice));
    plain = protocol::as_bytes(shared.joined);
  }
  session.send(plain, shared.sealed);
  clear_room(shared.joined);
  flush_sealed();
  if (session.failure().empty()) return;
  // Errors are reported from the loop, never from here: it will find the socket at its end.
  uv_os_fd_t fd;
  if (uv_fileno(reinterpret_cast<uv_handle_t*>(handle()), &fd) == 0) ::shutdown(fd, SHUT_RDWR);
}

void Stream::write_early() {
  if (sealing_->early.empty() || !sealing_->session->established()) return;
  std::string early = std::exchange(sealing_->early, {});
  const Bytes all = protocol::as_bytes(early);
  write_sealed({&all, 1});
  protocol::wipe(early);
}

void Stream::flush_sealed() {
  std::string& sealed = sealing_->shared.sealed;
  if (sealed.empty()) return;
  const Bytes all = protocol::as_bytes(sealed);
  write_raw({&all, 1});
  clear_room(sealed);
}

void Stream::say_farewell() {
  if (sealing_ == nullptr) return;
  sealing_->session->farewell(sealing_->shared.sealed);
  flush_sealed();
}

}  // namespace weir
