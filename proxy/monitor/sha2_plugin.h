// The method caching_sha2_password for the client library.

#pragma once

namespace weir {

// The library's own sends the password as it is wherever TLS is wanted, also when the server, or
// somebody in front of it, has none. From now on this one is used in this process: it sends it
// inside TLS or on a unix socket only, encrypts it for the server's RSA key where TLS is not
// wanted, and refuses otherwise. Behind mysql_library_init(); thread-safe. False when the library
// has loaded another one already, which it keeps.
bool use_sha2_plugin();

}  // namespace weir
