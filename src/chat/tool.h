// What a model may call: tools, calls, and how free it is to call them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace aloud {

// A function that the client offers. Its parameters are a JSON schema, or null where it takes none.
struct Tool {
  std::string name;
  std::string description;
  nlohmann::ordered_json parameters;
  bool strict = false;  // arguments are held to the schema while they are sampled
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text as the model wrote it; not valid JSON where the model failed
};

struct ToolChoice {
  enum class Kind {
    kAuto,      // calls or answers, as the model likes
    kNone,      // the tools are not shown
    kRequired,  // the answer begins with a call
    kNamed,     // the answer is one call of this tool
  };
  Kind kind = Kind::kAuto;
  std::string name;  // of kNamed
};

}  // namespace aloud
