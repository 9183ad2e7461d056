// Methods of authentication for the client library.

#pragma once

namespace weir {

// From now on, in this process:
//
// - caching_sha2_password is ours. The library's own sends the password as it is wherever TLS is
//   wanted, also when the server, or somebody in front of it, has none. This one sends it inside
//   TLS or on a unix socket only, encrypts it for the server's RSA key where TLS is not wanted, and
//   refuses otherwise.
// - parsec is there, which older libraries lack.
//
// Behind mysql_library_init(); thread-safe. False when the library has loaded another
// caching_sha2_password already, which it keeps.
bool use_auth_plugins();

}  // namespace weir
