// How a file of the page is answered: which of its two forms, whether it may be kept, what the page may do.
#pragma once

#include <string_view>

#include "api/web_files.h"
#include "http/request.h"

namespace aloud {

struct PageAnswer {
  int status = 200;  // or 304: the client has it already
  HttpHeaders headers;
  std::string_view body;  // lies in the file
};

PageAnswer page_answer(const WebFile& file, const HttpRequest& request);

}  // namespace aloud
