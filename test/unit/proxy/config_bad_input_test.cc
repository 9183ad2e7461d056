// Every way to get a configuration wrong, and the exact words for it.

#include <string>
#include <vector>

#include "test/support/catch.h"
#include "test/unit/proxy/config_support.h"

namespace weir::test {
namespace {

struct Row {
  std::string text;     // stands in front of a complete configuration
  std::string message;  // the only problem, without the file's name
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const LoadResult result = load_with_rest(row.text);
    CHECK_FALSE(result.ok());
    CHECK(in_words(result.problems) == std::vector<std::string>{"weir.toml:" + row.message});
  }
}

// A complete configuration but for its servers, or its monitor.
std::vector<std::string> without_servers(const std::string& text) {
  return in_words(load(text + "[monitor]\nuser = \"m\"\npassword = \"p\"\n").problems);
}
std::vector<std::string> without_monitor(const std::string& text) {
  return in_words(load("[[server]]\nname = \"a\"\naddress = \"a\"\n" + text).problems);
}

}  // namespace

TEST_CASE("unknown keys and sections are refused with the nearest known one", "[config]") {
  check_rows({
      {"[pool]\n\nidle_timout = \"1s\"",
       "3: unknown key \"idle_timout\" in [pool]; did you mean \"idle_timeout\"?"},
      {"[limits]\nMax_Packet = \"1MiB\"",
       "2: unknown key \"Max_Packet\" in [limits]; did you mean \"max_packet\"?"},
      {"[pool]\nmax_lag = \"1s\"",
       "2: unknown key \"max_lag\" in [pool]; [monitor] has such a key"},
      {"[pool]\nweight = 1", "2: unknown key \"weight\" in [pool]; [[server]] has such a key"},
      {"[pool]\nfrobnicate = 1", "2: unknown key \"frobnicate\" in [pool]; remove it"},
      {"[log]\n\"\\u001b[2J\" = 1", "2: unknown key \"\\x1b[2J\" in [log]; remove it"},
      {"[log]\nlevel.x = \"info\"",
       "2: log.level must be one of \"debug\", \"info\", \"warning\", \"error\""},
      {"[monitors]\ninterval = \"1s\"", "1: unknown section \"monitors\"; did you mean [monitor]?"},
      {"[xyz]", "1: unknown section \"xyz\"; remove it"},
      {"[[xyz]]", "1: unknown section \"xyz\"; remove it"},
      {"interval = \"1s\"",
       "1: unknown key \"interval\"; every key stands in a section, such as [monitor]"},
      {"[tls.clint]", "1: unknown section \"tls.clint\"; did you mean [tls.client]?"},
      {"[tls]\nmode = \"disabled\"",
       "2: unknown key \"tls.mode\"; every key stands in a section, such as [monitor]"},
      {"[[pool]]", "1: \"pool\" must be one section: write [pool]"},
      {"pool = 1", "1: \"pool\" must be one section: write [pool]"},
      {"[user]\nname = \"app\"", "1: \"user\" must be a list of sections: write [[user]]"},
      {"user = []", "1: \"user\" must be a list of sections: write [[user]]"},
      {"user = [{name = \"a\", password = \"b\"}, 1]",
       "1: \"user\" must be a list of sections: write [[user]]"},
  });
}

TEST_CASE("values of the wrong type are refused", "[config]") {
  const std::string duration = " must be a duration in quotes, such as \"500ms\", \"2s\" or \"8h\"";
  const std::string size = " must be a size in quotes, such as \"256KiB\" or \"64MiB\"";
  const std::string addresses =
      "listen.mysql must be a list of addresses in quotes, such as [\"127.0.0.1:6033\"]";
  check_rows({
      {"[routing]\nwait = 50", "2: routing.wait" + duration},
      {"[routing]\nwait = 1.5", "2: routing.wait" + duration},
      {"[limits]\nmax_packet = 64", "2: limits.max_packet" + size},
      {"[limits]\nmax_packet = true", "2: limits.max_packet" + size},
      {"[routing]\nretry_reads = \"yes\"",
       "2: routing.retry_reads must be true or false, without quotes"},
      {"[listen]\nworkers = \"4\"",
       "2: listen.workers must be a whole number from 0 to 1024, without quotes"},
      {"[listen]\nworkers = 4.0",
       "2: listen.workers must be a whole number from 0 to 1024, without quotes"},
      {"[listen]\nmysql = \"127.0.0.1\"", "2: " + addresses},
      {"[listen]\nmysql = []", "2: " + addresses},
      {"[listen]\nmysql = [3306]", "2: " + addresses},
      {"[listen]\nhttp = 6080",
       "2: listen.http must be an address in quotes, such as \"127.0.0.1:6080\", or \"\" for none"},
      {"[listen]\nhttp = false",
       "2: listen.http must be an address in quotes, such as \"127.0.0.1:6080\", or \"\" for none"},
      {"[listen]\nmysql = [\"a\", 3306]", "2: " + addresses},
      {"[log]\nlevel = 1979-05-27",
       "2: log.level must be one of \"debug\", \"info\", \"warning\", \"error\""},
      {"[[user]]\nname = 5\npassword = \"x\"", "2: user.name must be text in quotes"},
      {"[[user]]\nname = \"app\"\npassword = 12345", "3: user.password must be text in quotes"},
      {"[[user]]\nname = \"app\"\npassword_env = []",
       "3: user.password_env must be text in quotes"},
  });
}

TEST_CASE("impossible values are refused", "[config]") {
  const std::string duration =
      "; it must be a duration in quotes, such as \"500ms\", \"2s\" or \"8h\"";
  check_rows({
      {"[routing]\nwait = \"50\"", "2: routing.wait is \"50\"" + duration},
      {"[routing]\nwait = \"50 ms\"", "2: routing.wait is \"50 ms\"" + duration},
      {"[routing]\nwait = \"-1s\"", "2: routing.wait is \"-1s\"" + duration},
      {"[routing]\nwait = \"2m\"", "2: routing.wait is \"2m\"; it must be from 0s to 1m"},
      {"[routing]\nwait = \"20s\"",
       "2: routing.wait (20s) is longer than routing.failover_wait (10s); a read should give up on "
       "a "
       "replica sooner than a write on a primary"},
      {"[routing]\nwait = \"2s\"",
       "2: routing.wait (2s) is longer than monitor.timeout (1s): a replica would be given up as "
       "down while reads still wait for it"},
      {"[routing]\nzone = \"a\"",
       "2: routing.zone is \"a\", and no [[server]] is in that zone; give one the same zone, or "
       "remove the key"},
      {"[routing]\nspill_limit = 5\nprimary_reads = \"never\"",
       "2: routing.spill_limit has no meaning with primary_reads = \"never\"; remove one"},
      {"[firewall]\nmode = \"on\"",
       "2: firewall.mode is \"on\"; it must be one of \"off\", \"learn\", \"warn\", "
       "\"enforce\""},
      {"[firewall]\nmode = \"learn\"",
       "2: the firewall has no file to keep its list in; add firewall.file, such as "
       "\"weir.allowlist\""},
      {"[firewall]\nfile = \"\"\n[[user]]\nname = \"app\"\npassword = \"x\"\nfirewall = "
       "\"warn\"",
       "1: the firewall has no file to keep its list in; add firewall.file, such as "
       "\"weir.allowlist\""},
      {"[[user]]\nname = \"app\"\npassword = \"x\"\nfirewall = \"enforce\"",
       "4: the firewall has no file to keep its list in; add firewall.file, such as "
       "\"weir.allowlist\""},
      {"[firewall]\nfile = 5", "2: firewall.file must be text in quotes"},
      {"[firewall]\nfile = \"a\\u0000b\"",
       "2: firewall.file must be shorter than 4096 bytes, without a zero byte"},
      {"[[user]]\nname = \"app\"\npassword = \"x\"\nfirewall = \"on\"",
       "4: user.firewall is \"on\"; it must be one of \"off\", \"learn\", \"warn\", "
       "\"enforce\", \"\""},
      {"[overload]\nmode = \"on\"",
       "2: overload.mode is \"on\"; it must be one of \"off\", \"adaptive\""},
      {"[overload]\nmin_concurrency = 0",
       "2: overload.min_concurrency is 0; it must be from 1 to 1000000"},
      {"[overload]\nmin_concurrency = 20\nmax_concurrency = 10",
       "3: overload.max_concurrency (10) is below min_concurrency (20); raise it, or lower the "
       "other"},
      {"[overload]\nmin_concurrency = 2000",
       "2: overload.max_concurrency (1000) is below min_concurrency (2000); raise it, or lower the "
       "other"},
      {"[overload]\nqueue = -1", "2: overload.queue is -1; it must be from 0 to 1000000"},
      {"[pool]\nqueue_timeout = \"0s\"",
       "2: pool.queue_timeout is \"0s\"; it must be from 1ms to 10m"},
      {"[limits]\nmax_packet = \"2GiB\"",
       "2: limits.max_packet is \"2GiB\"; it must be from 1KiB to 1GiB"},
      {"[limits]\nmax_packet = \"64\"",
       "2: limits.max_packet is \"64\"; it must be a size in quotes, such as \"256KiB\" or "
       "\"64MiB\""},
      {"[limits]\nquery_timeout = \"2d\"",
       "2: limits.query_timeout is \"2d\"; it must be from 0s to 1d"},
      {"[limits]\nhalf_open_per_address = -1",
       "2: limits.half_open_per_address is -1; it must be from 0 to 1000000"},
      {"[limits]\nconnections_per_address = 1000001",
       "2: limits.connections_per_address is 1000001; it must be from 0 to 1000000"},
      {"[limits]\nconnection_rate = \"5\"",
       "2: limits.connection_rate must be a whole number from 0 to 1000000, without quotes"},
      {"[limits]\nlogin_failures = -1",
       "2: limits.login_failures is -1; it must be from 0 to 1000000"},
      {"[limits]\nlogin_backoff = \"0s\"",
       "2: limits.login_backoff is \"0s\"; it must be from 1s to 1d"},
      {"[[user]]\nname = \"a\"\npassword = \"b\"\nquery_timeout = \"2d\"",
       "4: user.query_timeout is \"2d\"; it must be from 0s to 1d"},
      {"[limits]\nmemory = 1024",
       "2: limits.memory must be a size in quotes, such as \"256KiB\" or \"64MiB\""},
      {"[limits]\nprepared_statements = 0",
       "2: limits.prepared_statements is 0; it must be from 1 to 1048576"},
      {"[listen]\nmax_connections = -1",
       "2: listen.max_connections is -1; it must be from 1 to 1000000"},
      {"[listen]\nworkers = 99999999999999999999999",
       "2: listen.workers is 9223372036854775807; it must be from 0 to 1024"},
      {"[routing]\nbalance = \"weigthed\"",
       "2: routing.balance is \"weigthed\"; it must be one of \"least_loaded\", \"weighted\", "
       "\"fastest\"; did you mean \"weighted\"?"},
      {"[log]\nlevel = \"\"",
       "2: log.level is \"\"; it must be one of \"debug\", \"info\", \"warning\", \"error\""},
      {"[listen]\nmysql = [\"a\", \"b:0\"]",
       "2: listen.mysql is \"b:0\": the port must be a number from 1 to 65535"},
      {"[listen]\nhttp = \"a:65536\"",
       "2: listen.http is \"a:65536\": the port must be a number from 0 to 65535"},
      {"[listen]\nmysql = [\"a\"]\nhttp = \"a:6033\"",
       "3: listen.http is \"a:6033\", which is in listen.mysql, too; give one of them another "
       "port"},
      {"[listen]\nhttp = \"10.0.0.1:3306\"",
       "5: \"10.0.0.1:3306\" is where weir itself listens; give the server's address"},
      {"[listen]\nmysql = [\n\"a\",\n\"a:6033\"]",
       "4: listen.mysql lists \"a:6033\" twice; remove one"},
      {"[auth]\nmode = \"users\"",
       "2: auth.mode is \"users\" and no [[user]] is listed: nobody could log in; list the "
       "accounts, "
       "or use \"passthrough\""},
  });
}

TEST_CASE("the admin console's keys are read with care", "[config]") {
  const std::string address =
      "2: listen.admin must be an address in quotes, such as \"127.0.0.1:6032\", or \"\" for none";
  check_rows({
      {"[listen]\nadmin = 0", address},
      {"[listen]\nadmin = [\"127.0.0.1:6032\"]", address},
      {"[listen]\nadmin = \"127.0.0.1:65536\"",
       "2: listen.admin is \"127.0.0.1:65536\": the port must be a number from 0 to 65535"},
      {"[listen]\nmysql = [\"127.0.0.1:7000\"]\nadmin = \"127.0.0.1:7000\"",
       "3: listen.admin is \"127.0.0.1:7000\", which is in listen.mysql, too; give one of them "
       "another port"},
      {"[listen]\nadmin = \"127.0.0.1:7000\"\nhttp = \"127.0.0.1:7000\"",
       "3: listen.http is \"127.0.0.1:7000\", which is listen.admin, too; give one of them another "
       "port"},
      {"[auth]\nadmin_user = \"\"", "2: auth.admin_user must not be empty"},
  });
}

TEST_CASE("the admin console has one password at most", "[config]") {
  const auto result =
      load_with_rest("[auth]\nadmin_password = \"x\"\nadmin_password_env = \"NONE\"");
  CHECK(
      in_words(result.problems) ==
      std::vector<std::string>{
          "weir.toml:3: auth.admin_password_env: cannot use the environment variable \"NONE\": it "
          "is not there",
          "weir.toml:3: the admin console's admin has several passwords; keep one of "
          "admin_password, admin_password_file and admin_password_env"});
}

TEST_CASE("the accounts of the doors contradict neither each other nor themselves", "[config]") {
  const std::string hash = "\"*" + std::string(40, 'A') + "\"";
  const std::string no_meaning = "auth.admin_password_out has no meaning: weir makes no password ";
  check_rows({
      {"[auth]\nadmin_password = \"x\"\nadmin_verifier = " + hash,
       "3: the admin console's admin has a password and a verifier; keep one of them"},
      {"[auth]\nadmin_password = \"\"",
       "2: auth.admin_password is empty; give one, or remove the key"},
      {"[auth]\nviewer_password = \"\"",
       "2: auth.viewer_password is empty; give one, or remove the key"},
      {"[auth]\nviewer_user = \"watch\"",
       "2: the admin console's viewer has no password; add viewer_password, viewer_password_file "
       "or viewer_password_env, or a verifier in the same ways"},
      {"[auth]\nviewer_user = \"admin\"\nviewer_password = \"x\"",
       "2: auth.viewer_user and auth.admin_user are both \"admin\"; give one of them another name"},
      {"[auth]\nadmin_user = \"viewer\"\nviewer_password = \"x\"",
       "1: auth.viewer_user and auth.admin_user are both \"viewer\"; give one of them another "
       "name"},
      {"[auth]\nadmin_password = \"x\"\nadmin_password_out = \"a\"",
       "3: " + no_meaning + "where one is given; remove it"},
      {"[auth]\nadmin_password_out = \"a\"\n[listen]\nadmin = \"\"",
       "2: " + no_meaning + "without a console; remove it"},
      {"[auth]\nadmin_password_out = \"a\"\n[listen]\nadmin = \"unix:/s\"",
       "2: " + no_meaning + "for a unix socket; remove it"},
  });
}

TEST_CASE("secrets of the doors that are none are refused without repeating them", "[config]") {
  const std::string token =
      ": it must have at least 16 of letters, digits and - . _ ~ + / =; openssl rand -hex 16 makes "
      "one";
  check_rows({
      {"[auth]\nhttp_token = \"\"", "2: auth.http_token" + token},
      {"[auth]\nhttp_token = \"0123456789abcde\"", "2: auth.http_token" + token},
      {"[auth]\nhttp_token = \"0123456789 abcdef\"", "2: auth.http_token" + token},
  });
  for (const char* key : {"admin_verifier", "viewer_verifier"}) {
    const auto problems =
        in_words(load_with_rest(std::string("[auth]\n") + key + " = \"*mistyped\"").problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].find(std::string("weir.toml:2: auth.") + key + ": it must be what") == 0);
    CHECK(problems[0].find("mistyped") == std::string::npos);
  }
}

TEST_CASE("what later versions know is refused in its own words", "[config]") {
  check_rows({
      {"[log]\nslow_query = \"1s\"",
       "2: this version does not know \"log.slow_query\" yet; remove the key"},
  });
}

TEST_CASE("networks of proxies are read with care", "[config]") {
  const std::string list = "2: listen.proxy_protocol must be a list of texts in quotes";
  check_rows({
      {"[listen]\nproxy_protocol = \"10.0.0.0/8\"", list},
      {"[listen]\nproxy_protocol = true", list},
      {"[listen]\nproxy_protocol = [\"10.0.0.0/8\", 1]", list},
      {"[listen]\nproxy_protocol = [\"10.0.0.1/8\"]",
       "2: listen.proxy_protocol has \"10.0.0.1/8\": the address has bits behind its first 8; "
       "write \"10.0.0.0/8\""},
      {"[listen]\nproxy_protocol = [\n\"10.0.0.0/8\",\n\"haproxy\"]",
       "4: listen.proxy_protocol has \"haproxy\": it must be an address or a network, such as "
       "\"10.0.0.0/8\" or \"2001:db8::/32\""},
  });
}

TEST_CASE("TLS is checked", "[config]") {
  check_rows({
      {"[tls.client]\nmode = \"off\"",
       "2: tls.client.mode is \"off\"; it must be one of \"disabled\", \"preferred\", "
       "\"required\""},
      {"[tls.client]\ncert = \"x\"",
       "2: tls.client.cert is given without tls.client.key; add the other, or remove it"},
      {"[tls.server]\nmode = \"verify_ca\"\nkey = \"x\"",
       "3: tls.server.key is given without tls.server.cert; add the other, or remove it"},
      {"[tls.server]\nca = \"x\"",
       "2: tls.server.ca is given, and tls.server.mode verifies no certificate; set it to "
       "\"verify_ca\" or \"verify_identity\", or remove ca"},
      {"[tls.client]\nmode = \"required\"\nclient_certificates = \"required\"",
       "3: tls.client.client_certificates is \"required\" without tls.client.ca; add the file with "
       "the authorities that sign clients' certificates"},
      {"[tls.client]\nca = \"x\"\nclient_certificates = \"required\"",
       "3: tls.client.client_certificates is \"required\", and tls.client.mode lets clients in "
       "without TLS; set it to \"required\""},
  });
}

TEST_CASE("rules are checked", "[config]") {
  const std::string user = "[[rule]]\nuser = \"a\"\n";
  check_rows({
      {"[rule]\nuser = \"a\"", "1: \"rule\" must be a list of sections: write [[rule]]"},
      {"[[rule]]\nto = \"replica\"",
       "1: rule 1 has no condition; add user, schema, digest, pattern or client"},
      {"[[rule]]\nname = \"x\"\nmax_lag = \"1s\"",
       "1: x has no condition; add user, schema, digest, pattern or client"},
      {user, "1: rule 1 changes nothing; add to, max_lag, consistency or timeout"},
      {user + "to = \"reject\"\ntimeout = \"1s\"",
       "4: rule.timeout has no meaning with to = \"reject\"; remove one"},
      {user + "timeout = \"2d\"", "3: rule.timeout is \"2d\"; it must be from 0s to 1d"},
      {user + "to = \"replicas\"",
       "3: rule.to is \"replicas\": it must be \"primary\", \"replica\", \"server:NAME\" or "
       "\"reject\""},
      {user + "to = \"server:\"",
       "3: rule.to is \"server:\": it must be \"primary\", \"replica\", \"server:NAME\" or "
       "\"reject\""},
      {user + "to = \"\"",
       "3: rule.to is \"\": it must be \"primary\", \"replica\", \"server:NAME\" or "
       "\"reject\""},
      {user + "to = 5", "3: rule.to must be text in quotes"},
      {user + "to = \"server:db9\"", "3: no [[server]] is called \"db9\"; there are db1"},
      {"[[rule]]\npattern = \"FROM (a\"\nto = \"replica\"",
       "2: rule.pattern is \"FROM (a\": no regular expression as RE2 reads them: missing ): FROM "
       "(a"},
      {"[[rule]]\npattern = \"(?=a)\"\nto = \"replica\"",
       "2: rule.pattern is \"(?=a)\": no regular expression as RE2 reads them: invalid perl "
       "operator: (?="},
      {"[[rule]]\npattern = \"\"\nto = \"replica\"",
       "2: rule.pattern is \"\": it must not be empty"},
      {"[[rule]]\nclient = \"10.0.0.1/8\"\nto = \"replica\"",
       "2: rule.client is \"10.0.0.1/8\": the address has bits behind its first 8; write "
       "\"10.0.0.0/8\""},
      {"[[rule]]\nclient = \"office\"\nto = \"replica\"",
       "2: rule.client is \"office\": it must be an address or a network, such as \"10.0.0.0/8\" "
       "or \"2001:db8::/32\""},
      {"[[rule]]\ndigest = \"abc\"\nto = \"replica\"",
       "2: rule.digest is \"abc\": it must be the 16 hexadecimal digits that SHOW PINS and weir "
       "explain show"},
      {"[[rule]]\nuser = \"\"\nto = \"replica\"", "2: rule.user must not be empty"},
      {user + "to = \"primary\"\nmax_lag = \"1s\"",
       "4: rule.max_lag has no meaning with to = \"primary\"; remove one"},
      {user + "to = \"reject\"\nconsistency = \"global\"",
       "4: rule.consistency has no meaning with to = \"reject\"; remove one"},
      {user + "max_lag = \"0s\"", "3: rule.max_lag is \"0s\"; it must be from 1ms to 1d"},
      {user + "name = \"a b\"\nto = \"replica\"",
       "3: rule.name is \"a b\"; use at most 64 letters, digits, \"_\", \".\" and \"-\""},
      {user + "name = \"x\"\nto = \"replica\"\n[[rule]]\nname = \"x\"\nuser = \"b\"\n"
              "to = \"replica\"",
       "6: a rule named \"x\" is listed already; each needs a name of its own"},
  });
}

TEST_CASE("users are checked", "[config]") {
  check_rows({
      {"[[user]]\npassword = \"x\"", "1: this [[user]] has no name; add one"},
      {"[[user]]\nname = \"\"\npassword = \"x\"", "2: user.name must not be empty"},
      {"[[user]]\nname = \"" + std::string(129, 'x') + "\"\npassword = \"x\"",
       "2: user.name must not be longer than 128 bytes"},
      {"[[user]]\nname = \"a\\u0000b\"\npassword = \"x\"",
       "2: user.name must not hold a zero byte"},
      {"[[user]]\nname = \"app\"",
       "1: user \"app\" has no password; add password, password_file or password_env, or a "
       "verifier in the same ways"},
      {"[[user]]\nname = \"app\"\npassword = \"x\"\n[[user]]\nname = \"app\"\npassword = \"y\"",
       "5: user \"app\" is listed already; list each account once"},
      {"[[user]]\nname = \"app\"\npassword = \"a\\u0000b\"",
       "3: user.password must have at most 1024 bytes, none of them zero"},
      {"[[user]]\nname = \"app\"\npassword = \"" + std::string(1025, 'x') + "\"",
       "3: user.password must have at most 1024 bytes, none of them zero"},
      {"[[user]]\nname = \"app\"\npassword_file = \"p\"",
       "3: user.password_file: cannot use \"p\": it is not there"},
      {"[[user]]\nname = \"app\"\npassword_env = \"P\"",
       "3: user.password_env: cannot use the environment variable \"P\": it is not there"},
      {"[[user]]\nname = \"app\"\npassword_env = \"A B\"",
       "3: user.password_env is \"A B\"; use at most 64 letters, digits, \"_\", \".\" and \"-\""},
      {"[[user]]\nname = \"app\"\npassword_file = \"\"\n",
       "3: user.password_file must not be empty"},
      {"[[user]]\nname = \"app\"\npassword = \"x\"\nroute = \"primry\"",
       "4: user.route is \"primry\"; it must be one of \"split\", \"primary\", \"replica\"; did "
       "you "
       "mean \"primary\"?"},
  });
}

TEST_CASE("what lets a user in is checked", "[config]") {
  const std::string user = "[[user]]\nname = \"app\"\npassword = \"x\"\n";
  const std::string native = "\"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\"";
  const std::string wrong_verifier =
      "it must be what a server stores of a password: \"*\" and 40 hexadecimal digits, or "
      "\"$A$005$\", 20 bytes of salt and 43 letters; both also as 0x and hexadecimal digits, as "
      "SHOW CREATE USER prints them with print_identified_with_as_hex";
  check_rows({
      {user + "verifier = " + native,
       "1: user \"app\" has a password and a verifier; keep one of them"},
      {user + "verifier_next = \"secret\"", "4: user.verifier_next: " + wrong_verifier},
      {user + "verifier_next = \"\"", "4: user.verifier_next: " + wrong_verifier},
      {user + "verifier_next = 1", "4: user.verifier_next must be text in quotes"},
      {user + "verifier_next_file = \"none\"",
       "4: user.verifier_next_file: cannot use \"none\": it is not there"},
      {"[[user]]\nname = \"app\"\nverifier = " + native + "\nverifier = " + native,
       "4: not valid TOML: the key is set twice"},
      {user + "require_tls = \"yes\"", "4: user.require_tls must be true or false, without quotes"},
      {user + "allow_from = \"10.0.0.0/8\"",
       "4: user.allow_from must be a list of texts in quotes"},
      {user + "allow_from = [1]", "4: user.allow_from must be a list of texts in quotes"},
      {user + "allow_from = [\"10.0.0.0/8\", \"10.0.0.1/8\"]",
       "4: user.allow_from has \"10.0.0.1/8\": the address has bits behind its first 8; write "
       "\"10.0.0.0/8\""},
      {user + "allow_from = [\"localhost\"]",
       "4: user.allow_from has \"localhost\": it must be an address or a network, such as "
       "\"10.0.0.0/8\" or \"2001:db8::/32\""},
      {user + "backend = \"svc\"", "4: user.backend must be a table: { user = ... }"},
      {user + "backend = { password = \"x\" }",
       "4: the backend of user \"app\" has no user; add one"},
      {user + "backend = { user = \"svc\" }",
       "4: the backend of user \"app\" has no password; add password, password_file or "
       "password_env"},
      {user + "backend = { user = \"\", password = \"x\" }",
       "4: user.backend.user must not be empty"},
      {user + "backend = { user = \"svc\", passwort = \"x\", password = \"x\" }",
       "4: unknown key \"passwort\" in user.backend; did you mean \"password\"?"},
      {user + "backend = { user = \"svc\", password_file = \"none\" }",
       "4: user.backend.password_file: cannot use \"none\": it is not there"},
      {"[auth]\nrsa_key = \"none.pem\"",
       "2: auth.rsa_key: cannot use \"none.pem\": it is not there"},
      {"[auth]\nrsa_key = 1", "2: auth.rsa_key must be text in quotes"},
  });
}

TEST_CASE("a file that is no RSA key is refused", "[config]") {
  FakeSecrets secrets;
  secrets.files["key.pem"] = "no key";
  const LoadResult result = load("[auth]\nrsa_key = \"key.pem\"\n" + std::string(kRest), secrets);
  CHECK(in_words(result.problems) ==
        std::vector<std::string>{"weir.toml:2: auth.rsa_key: cannot use \"key.pem\": it holds no "
                                 "private key in PEM form, or one with a pass phrase"});
}

TEST_CASE("what lets a user in is read", "[config]") {
  FakeSecrets secrets;
  secrets.files["v"] = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7";
  secrets.variables["P"] = "svc secret";
  const LoadResult result = load(
      "[[user]]\nname = \"app\"\nverifier_file = \"v\"\nrequire_tls = true\n"
      "allow_from = [\"10.0.0.0/8\", \"::1\"]\n"
      "backend = { user = \"svc\", password_env = \"P\" }\n" +
          std::string(kRest),
      secrets);
  CHECK(in_words(result.problems).empty());
  REQUIRE(result.ok());
  const UserConfig& user = result.config->users.at(0);
  CHECK(user.password.empty());
  CHECK(user.verifier == secrets.files["v"]);
  CHECK(user.verifier_next.empty());
  CHECK(user.backend.user == "svc");
  CHECK(user.backend.password == "svc secret");
  CHECK(user.require_tls);
  CHECK(user.allow_from == std::vector<std::string>{"10.0.0.0/8", "::1"});
}

TEST_CASE("servers are checked", "[config]") {
  using Words = std::vector<std::string>;
  const std::string db1 = "[[server]]\nname = \"db1\"\naddress = \"10.0.0.1\"\n";
  CHECK(without_servers("") == Words{"weir.toml: no [[server]] is listed; add one with name and "
                                     "address for each database server"});
  CHECK(without_servers("[[server]]\n") ==
        Words{"weir.toml:1: this [[server]] has no name; add one",
              "weir.toml:1: this [[server]] has no address; add "
              "one"});
  CHECK(without_servers("[server]\nname = \"a\"\n") ==
        Words{"weir.toml:1: \"server\" must be a list of sections: write [[server]]"});
  CHECK(
      without_servers(db1 + "[[server]]\nname = \"db1\"\naddress = \"b\"\n") ==
      Words{"weir.toml:5: a server named \"db1\" is listed already; each needs a name of its own"});
  CHECK(without_servers(db1 + "[[server]]\nname = \"b\"\naddress = \"10.0.0.1:3306\"\n") ==
        Words{"weir.toml:6: \"10.0.0.1:3306\" is the address of server \"db1\" already; list each "
              "server once"});
  CHECK(without_servers("[[server]]\nname = \"a\"\naddress = \"127.0.0.1:6033\"\n") ==
        Words{"weir.toml:3: \"127.0.0.1:6033\" is where weir itself listens; give the server's "
              "address"});
  CHECK(
      without_servers("[[server]]\nname = \"a b\"\naddress = \"a\"\n") ==
      Words{"weir.toml:2: server.name is \"a b\"; use at most 64 letters, digits, \"_\", \".\" and "
            "\"-\""});
  CHECK(without_servers("[[server]]\nname = \"a\"\naddress = 1\n") ==
        Words{"weir.toml:3: server.address must be an address in quotes, such as "
              "\"10.0.0.1:3306\""});
  CHECK(
      without_servers(db1 + "weight = 10001\nzone = \"a/b\"\nrole = \"master\"\n") ==
      Words{"weir.toml:4: server.weight is 10001; it must be from 0 to 10000",
            "weir.toml:5: server.zone is \"a/b\"; use at most 64 letters, digits, \"_\", \".\" and "
            "\"-\"",
            "weir.toml:6: server.role is \"master\"; it must be one of \"auto\", \"primary\", "
            "\"replica\""});
  CHECK(without_servers(db1 + "role = \"primary\"\n" +
                        "[[server]]\nname = \"b\"\naddress = \"b\"\nrole = \"primary\"\n") ==
        Words{"weir.toml:8: \"db1\" and \"b\" are both pinned as primary; at most one can be"});
}

TEST_CASE("the monitor is checked", "[config]") {
  using Words = std::vector<std::string>;
  const std::string account = "[monitor]\nuser = \"m\"\npassword = \"p\"\n";
  CHECK(
      without_monitor("") ==
      Words{"weir.toml: there is no [monitor]; add one with user and password: weir logs in to the "
            "servers to tell the primary from the replicas"});
  CHECK(without_monitor("[monitor]\n") ==
        Words{"weir.toml:4: [monitor] has no user; add the account that weir logs in with",
              "weir.toml:4: [monitor] has no password; add password, password_file or "
              "password_env"});
  CHECK(without_monitor("[monitor]\nuser = \"\"\npassword = \"p\"\n") ==
        Words{"weir.toml:5: monitor.user must not be empty"});
  for (const std::string name : {"beats", "weir.", ".beats", "a.b.c", "."}) {
    CHECK(
        without_monitor(account + "heartbeat = \"" + name + "\"\n") ==
        Words{"weir.toml:7: monitor.heartbeat is \"" + name + "\"; write it as \"schema.table\""});
  }
  CHECK(without_monitor(account + "heartbeat = \"a b.c\"\n") ==
        Words{"weir.toml:7: monitor.heartbeat is \"a b.c\"; use at most 64 letters, digits, \"_\", "
              "\".\" and \"-\""});
  CHECK(without_monitor(account + "discover = 1\n") ==
        Words{"weir.toml:7: monitor.discover must be true or false, without quotes"});
  CHECK(
      without_monitor(account + "password_env = \"P\"\n") ==
      Words{"weir.toml:7: monitor.password_env: cannot use the environment variable \"P\": it is "
            "not there",
            "weir.toml:7: [monitor] has several passwords; keep one of password, password_file and "
            "password_env"});
  CHECK(without_monitor(account + "interval = \"0ms\"\ntimeout = \"2m\"\n" +
                        "max_lag = \"0s\"\nrecover_after = 0\n") ==
        Words{"weir.toml:7: monitor.interval is \"0ms\"; it must be from 10ms to 1m",
              "weir.toml:8: monitor.timeout is \"2m\"; it must be from 10ms to 1m",
              "weir.toml:9: monitor.max_lag is \"0s\"; it must be from 1ms to 1d",
              "weir.toml:10: monitor.recover_after is 0; it must be from 1 to 1000"});
}

TEST_CASE("all problems are reported, in the order of their lines", "[config]") {
  const LoadResult result =
      load("[monitor]\nintervall = \"1s\"\ntimeout = 5\n[listen]\nworkers = -1\n");
  CHECK_FALSE(result.ok());
  CHECK(result.config == nullptr);
  CHECK(
      in_words(result.problems) ==
      std::vector<std::string>{
          "weir.toml: no [[server]] is listed; add one with name and address for each database "
          "server",
          "weir.toml:1: [monitor] has no user; add the account that weir logs in with",
          "weir.toml:1: [monitor] has no password; add password, password_file or password_env",
          "weir.toml:2: unknown key \"intervall\" in [monitor]; did you mean \"interval\"?",
          "weir.toml:3: monitor.timeout must be a duration in quotes, such as \"500ms\", \"2s\" or "
          "\"8h\"",
          "weir.toml:5: listen.workers is -1; it must be from 0 to 1024"});
}

// The exact words belong to the parser's version; the line and the beginning are ours.
TEST_CASE("what is not TOML is refused with its line, and never quoted", "[config]") {
  struct Broken {
    std::string text;
    std::string beginning;
  };
  const Broken rows[] = {
      {"\n[pool\nmode = 1", "weir.toml:2: not valid TOML: "},
      {"[pool]\nmode = hunter2",
       "weir.toml:2: not valid TOML: the value is not understood; text needs "
       "quotes"},
      {"[pool]\nmode = \"hunter2", "weir.toml:2: not valid TOML: "},
      {"[pool]\nmode = 'hunter2", "weir.toml:2: not valid TOML: "},
      {"[pool]\nmode = \"hunter2\\q\"", "weir.toml:2: not valid TOML: "},
      {"[pool]\n= hunter2", "weir.toml:2: not valid TOML: "},
      {"[pool]\nmode \"hunter2\"", "weir.toml:2: not valid TOML: "},
      {"[pool]\nmode = 1\nmode = \"hunter2\"", "weir.toml:3: not valid TOML: "},
      {"[pool]\n[pool]", "weir.toml:2: not valid TOML: "},
      {"\xff\xfe", "weir.toml:1: not valid TOML: the text must be UTF-8"},
      {"a = 1\nb = '''x\xec'''", "weir.toml:2: not valid TOML: the text must be UTF-8"},
      {"a = " + std::string(1000000, '['), "weir.toml:1: nested too deep; "},
      {"a = " + std::string(100000, '{'), "weir.toml:1: nested too deep; "},
      {std::string(kLargestConfigFile, ' '), "weir.toml: the file is larger than 1MiB; "},
  };
  for (const Broken& row : rows) {
    CAPTURE(row.text.substr(0, 40));
    const std::vector<std::string> problems = in_words(load_with_rest(row.text).problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].substr(0, row.beginning.size()) == row.beginning);
    CHECK(problems[0].find("hunter2") == std::string::npos);
    CHECK(problems[0].find('\n') == std::string::npos);
  }
}

}  // namespace weir::test
