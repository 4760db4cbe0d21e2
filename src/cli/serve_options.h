// What `aloud serve` is told, on the command line or in a file.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/server.h"
#include "cli/options.h"

namespace aloud {

struct ServeFlags {
  std::vector<std::string> models;  // FILE or NAME=FILE; empty: the default model
  int threads = 0;
  EngineOptions engine;
  std::optional<std::int64_t> context;
  std::int64_t sequences = 32;
  std::optional<std::int64_t> cache_mb;
  std::int64_t queue = 512;
  double idle_minutes = 10;
  std::string system_prompt_file;

  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string tls_certificate;
  std::string tls_key;
  bool behind_proxy = false;
  std::vector<std::string> host_names;
  std::vector<std::string> origins;
  bool no_keys = false;
  std::string data;  // folder; empty: the user's
  std::string log = "text";
  double drain_seconds = 30;
  int response_retention_days = 30;
};

void add_serve_options(CLI::App& app, ServeFlags& flags);

// True where only this machine can reach the address.
bool is_loopback(const std::string& host);

// HTTP and access as the flags want them. Errors: a public address without TLS or a proxy before it.
Result<ServerOptions> server_options(const ServeFlags& flags);

// How a model is served as the flags want it, but for their system prompt.
ServedModelOptions served_options(const ServeFlags& flags, const LoadedModel& loaded);

// The models to offer, not loaded. Errors: a file that cannot be opened, names that are given twice.
Result<std::vector<OfferedModel>> offered_models(const ServeFlags& flags);

}  // namespace aloud
