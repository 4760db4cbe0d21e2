// Puts the parts together: added tokens first, then pre-tokenizer, then byte-pair encoding.
#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <utility>

#include "base/byte_alphabet.h"
#include "base/check.h"
#include "base/printable.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/piece_index.h"
#include "text/pre_tokenizer.h"

namespace aloud {
namespace {

// Names that end a turn, or the whole text, in the model families that people run.
constexpr std::string_view kEndsOfTurn[] = {
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|eot|>",
    "<|eom|>",
    "<|end|>",
    "<|return|>",
    "<|EOT|>",
    "<EOT>",
    "<end_of_turn>",
    "<|end_of_turn|>",
    "<|endofassistant|>",
    "</s>",
    "<｜end▁of▁sentence｜>",
};

}  // namespace

struct Tokenizer::State {
  State(const VocabularySource& source, const PreTokenizer& names)
      : pre_tokenizer(names),
        kinds(source.kinds),
        index(source.pieces.size()),
        bos(source.bos),
        eos(source.eos),
        add_bos(source.add_bos && source.bos != kNoToken) {}

  std::string_view bytes_of(TokenId id) const {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(bytes).substr(offsets[i], offsets[i + 1] - offsets[i]);
  }
  TokenKind kind_of(TokenId id) const { return kinds[static_cast<std::size_t>(id)]; }
  bool is_markup(TokenId id) const { return markup[static_cast<std::size_t>(id)]; }

  Status check(const VocabularySource& source) const;
  void decode_pieces(const VocabularySource& source);
  void find_ends(const VocabularySource& source);
  void find_added_tokens();
  Result<Bpe> build_merges(const VocabularySource& source);

  PreTokenizer pre_tokenizer;
  std::vector<TokenKind> kinds;
  std::string bytes;                 // of all tokens, one after the other
  std::vector<std::size_t> offsets;  // where each begins, and the end
  std::vector<bool> markup;
  AddedTokens added;
  PieceIndex index;  // the tokens that text is made of, by their bytes
  std::optional<Bpe> bpe;
  TokenId bos;
  TokenId eos;
  bool add_bos;
  std::vector<TokenId> ends;  // sorted
};

namespace {

// Control tokens are written out in text only as markup; the rest of what is not ordinary has no text at all.
bool is_control(TokenKind kind) { return kind == TokenKind::kControl || kind == TokenKind::kUnknown; }
bool is_ordinary(TokenKind kind) { return kind == TokenKind::kNormal || kind == TokenKind::kByte; }

// Takes the pieces of a text, in its order, and remembers what became of them: words come again and again.
class BpeSink final : public PieceSink {
 public:
  // whole_pieces: nullptr where the merges alone decide.
  BpeSink(const Bpe& bpe, const PieceIndex* whole_pieces, std::size_t text_size, std::vector<TokenId>& out)
      : bpe_(bpe), whole_pieces_(whole_pieces), out_(out) {
    // A short text is over before it pays.
    if (text_size >= kLeastRemembered) seen_.resize(std::min(std::bit_ceil(text_size / 8), kMostSeen));
  }

  void take(std::string_view piece) override {
    if (seen_.empty() || piece.size() > kLongestRemembered) return encode(piece);
    Seen& seen = seen_[std::hash<std::string_view>{}(piece) & (seen_.size() - 1)];
    if (seen.piece == piece) {
      const std::size_t end = out_.size();
      out_.resize(end + seen.count);
      std::copy_n(out_.begin() + static_cast<std::ptrdiff_t>(seen.begin), seen.count,
                  out_.begin() + static_cast<std::ptrdiff_t>(end));
      return;
    }
    const std::size_t begin = out_.size();
    encode(piece);
    seen = {piece, begin, out_.size() - begin};
  }

 private:
  static constexpr std::size_t kLeastRemembered = 1024;
  static constexpr std::size_t kMostSeen = 8192;
  static constexpr std::size_t kLongestRemembered = 64;
  // A piece of the text and its tokens: out_[begin] and on.
  struct Seen {
    std::string_view piece;
    std::size_t begin = 0;
    std::size_t count = 0;
  };

  void encode(std::string_view piece) {
    if (whole_pieces_ != nullptr) {
      if (const TokenId id = whole_pieces_->find(piece); id != kNoToken) return out_.push_back(id);
    }
    bpe_.encode(piece, scratch_, out_);
  }

  const Bpe& bpe_;
  const PieceIndex* whole_pieces_;
  std::vector<TokenId>& out_;
  Bpe::Scratch scratch_;
  std::vector<Seen> seen_;  // by hash; the last one stays
};

}  // namespace

Tokenizer::Tokenizer() = default;
Tokenizer::~Tokenizer() = default;

Status Tokenizer::State::check(const VocabularySource& source) const {
  const std::size_t size = source.pieces.size();
  if (size == 0) return fail("the vocabulary has no pieces");
  if (size > INT32_MAX) return fail("the vocabulary has {} pieces, at most {} are possible", size, INT32_MAX);
  if (!source.kinds.empty() && source.kinds.size() != size) {
    return fail("the vocabulary has {} pieces but {} token types", size, source.kinds.size());
  }
  std::vector<std::pair<const char*, TokenId>> named = {{"BOS", source.bos}, {"EOS", source.eos}};
  for (const TokenId id : source.more_ends) named.emplace_back("end-of-turn", id);
  for (const auto& [name, id] : named) {
    if (id != kNoToken && (id < 0 || static_cast<std::size_t>(id) >= size)) {
      return fail("the {} token is {}, but the vocabulary has {} tokens", name, id, size);
    }
  }
  return {};
}

void Tokenizer::State::decode_pieces(const VocabularySource& source) {
  if (kinds.empty()) kinds.assign(source.pieces.size(), TokenKind::kNormal);
  std::size_t total = 0;
  for (const std::string_view piece : source.pieces) total += piece.size();
  bytes.reserve(total);
  offsets.reserve(source.pieces.size() + 1);
  offsets.push_back(0);
  for (std::size_t i = 0; i < source.pieces.size(); ++i) {
    // A name that is not in the alphabet can only have been added later, as it is written.
    if (!is_ordinary(kinds[i]) || !decode_byte_alphabet(source.pieces[i], bytes)) bytes += source.pieces[i];
    offsets.push_back(bytes.size());
  }
  for (TokenId id = 0; id < static_cast<TokenId>(kinds.size()); ++id) {
    if (is_ordinary(kind_of(id)) && !bytes_of(id).empty()) index.insert(bytes_of(id), id);
  }
}

// What ends a turn is control, even where the file says otherwise: it is never part of an answer.
void Tokenizer::State::find_ends(const VocabularySource& source) {
  const auto make_control = [this](TokenId id) {
    if (id != kNoToken && has_markup_shape(bytes_of(id)))
      kinds[static_cast<std::size_t>(id)] = TokenKind::kControl;
  };
  ends = source.more_ends;
  ends.push_back(source.eos);
  for (TokenId id = 0; id < static_cast<TokenId>(kinds.size()); ++id) {
    if (is_ordinary(kind_of(id)) || kind_of(id) == TokenKind::kUnused) continue;
    if (std::find(std::begin(kEndsOfTurn), std::end(kEndsOfTurn), bytes_of(id)) != std::end(kEndsOfTurn)) {
      ends.push_back(id);
    }
  }
  std::erase(ends, kNoToken);
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  for (const TokenId id : ends) make_control(id);
  make_control(bos);
}

void Tokenizer::State::find_added_tokens() {
  markup.resize(kinds.size());
  std::vector<AddedTokens::Entry> entries;
  for (TokenId id = 0; id < static_cast<TokenId>(kinds.size()); ++id) {
    const std::string_view name = bytes_of(id);
    const bool control = is_control(kind_of(id));
    if (name.empty() || (!control && kind_of(id) != TokenKind::kUserDefined)) continue;
    markup[static_cast<std::size_t>(id)] = control || has_markup_shape(name);
    entries.push_back({name, id, control || has_markup_shape(name)});
  }
  added = AddedTokens(std::move(entries));
}

Result<Bpe> Tokenizer::State::build_merges(const VocabularySource& source) {
  std::array<TokenId, 256> byte_tokens;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_tokens[static_cast<std::size_t>(byte)] = index.find({&c, 1});
  }
  // Some files mark pieces that are also listed as added tokens as such; merges may still lead to them.
  const auto ordinary = std::count_if(kinds.begin(), kinds.end(), is_ordinary);
  PieceIndex others(kinds.size() - static_cast<std::size_t>(ordinary));
  for (TokenId id = 0; id < static_cast<TokenId>(kinds.size()); ++id) {
    if (!is_ordinary(kind_of(id)) && !bytes_of(id).empty()) others.insert(bytes_of(id), id);
  }
  const auto find = [&](std::string_view piece) {
    const TokenId id = index.find(piece);
    return id != kNoToken ? id : others.find(piece);
  };
  std::vector<Bpe::Merge> merges;
  merges.reserve(source.merges.size());
  std::string joined;
  for (const std::string_view& merge : source.merges) {
    const auto name = [&] {
      return fmt::format("merge {} (\"{}\")", &merge - source.merges.data(), printable(merge));
    };
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos) return fail("{}: not two pieces with a space between them", name());
    joined.clear();
    if (!decode_byte_alphabet(merge.substr(0, space), joined))
      return fail("{}: not in the byte alphabet", name());
    const std::size_t middle = joined.size();
    if (!decode_byte_alphabet(merge.substr(space + 1), joined))
      return fail("{}: not in the byte alphabet", name());
    const std::string_view whole = joined;
    if (middle == 0 || middle == whole.size()) return fail("{}: one of the pieces is empty", name());
    const Bpe::Merge found = {find(whole.substr(0, middle)), find(whole.substr(middle)), find(whole)};
    if (found.left == kNoToken || found.right == kNoToken || found.result == kNoToken) {
      return fail("{}: {} is not a piece of the vocabulary", name(),
                  found.left == kNoToken    ? "the first part"
                  : found.right == kNoToken ? "the second part"
                                            : "the result");
    }
    // Text that nobody trusts must not become markup this way either.
    if (!is_markup(found.left) && !is_markup(found.right) && !is_markup(found.result))
      merges.push_back(found);
  }
  return Bpe(byte_tokens, std::move(merges));
}

Result<std::unique_ptr<Tokenizer>> Tokenizer::create(const VocabularySource& source) {
  const PreTokenizer* pre_tokenizer = find_pre_tokenizer(source.pre_tokenizer);
  if (pre_tokenizer == nullptr) {
    return fail("the pre-tokenizer \"{}\" is not supported", printable(source.pre_tokenizer));
  }
  std::unique_ptr<Tokenizer> tokenizer(new Tokenizer);
  tokenizer->state_ = std::make_unique<State>(source, *pre_tokenizer);
  State& state = *tokenizer->state_;
  TRY(state.check(source));
  state.decode_pieces(source);
  state.find_ends(source);
  state.find_added_tokens();
  TRY_ASSIGN(state.bpe, state.build_merges(source));
  if (!pre_tokenizer->whole_pieces_first) state.index = PieceIndex(0);
  return tokenizer;
}

void Tokenizer::encode(std::string_view text, std::span<const TextSpan> untrusted,
                       std::vector<TokenId>& out) const {
  const State& state = *state_;
  BpeSink sink(*state.bpe, state.pre_tokenizer.whole_pieces_first ? &state.index : nullptr, text.size(), out);
  AddedTokens::Search search(state.added, text, untrusted);
  for (std::size_t from = 0; from < text.size();) {
    const AddedTokens::Search::Match match = search.next();
    state.pre_tokenizer.split(text.substr(from, match.begin - from), sink);
    if (match.id != kNoToken) out.push_back(match.id);
    from = match.end;
  }
}

std::vector<TokenId> Tokenizer::encode_plain(std::string_view text) const {
  const TextSpan all = {0, text.size()};
  std::vector<TokenId> out;
  encode(text, {&all, 1}, out);
  return out;
}

std::vector<TokenId> Tokenizer::encode_markup(std::string_view text) const {
  std::vector<TokenId> out;
  encode(text, {}, out);
  return out;
}

int Tokenizer::size() const { return static_cast<int>(state_->kinds.size()); }

TokenKind Tokenizer::kind(TokenId id) const {
  CHECK(id >= 0 && id < size());
  return state_->kind_of(id);
}

std::string_view Tokenizer::bytes(TokenId id) const {
  CHECK(id >= 0 && id < size());
  return state_->bytes_of(id);
}

bool Tokenizer::is_markup(TokenId id) const {
  CHECK(id >= 0 && id < size());
  return state_->is_markup(id);
}

TokenId Tokenizer::find_markup(std::string_view text) const { return state_->added.find_markup(text); }
TokenId Tokenizer::bos() const { return state_->bos; }
TokenId Tokenizer::eos() const { return state_->eos; }
bool Tokenizer::add_bos() const { return state_->add_bos; }
std::span<const TokenId> Tokenizer::ends_of_turn() const { return state_->ends; }

bool Tokenizer::is_end_of_turn(TokenId id) const {
  return std::binary_search(state_->ends.begin(), state_->ends.end(), id);
}

}  // namespace aloud
