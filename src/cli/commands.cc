// The visible list of commands; a new command is one file, one declaration and one line here.
#include "cli/command.h"

namespace aloud {

int run_backup(int argc, char** argv);
int run_bench(int argc, char** argv);
int run_chat(int argc, char** argv);
int run_eval(int argc, char** argv);
int run_inspect(int argc, char** argv);
int run_key(int argc, char** argv);
int run_logits(int argc, char** argv);
int run_render(int argc, char** argv);
int run_serve(int argc, char** argv);
int run_restore(int argc, char** argv);
int run_tokenize(int argc, char** argv);

namespace {

constexpr Command kCommands[] = {
    {"backup", "copy all conversations and keys to a file", "将全部对话与密钥备份到文件", run_backup},
    {"bench", "speed, and its share of what this machine can do", "速度及占本机极限的比例", run_bench},
    {"chat", "a conversation in the terminal, or one answer", "终端对话，或回答一次", run_chat},
    {"eval", "accuracy on problems whose answers can be checked", "可验证题目上的正确率", run_eval},
    {"inspect", "metadata and tensors of a model file", "模型文件的元数据与张量", run_inspect},
    {"key", "who may use a server that is open to others", "管理对外服务的密钥", run_key},
    {"logits", "raw logits of given tokens", "给定词元的原始 logits", run_logits},
    {"render", "show what a chat template makes of a context", "显示对话模板套用上下文后的文本", run_render},
    {"serve", "models and conversations over HTTP", "通过 HTTP 提供模型与对话", run_serve},
    {"restore", "bring a backup back", "从备份恢复", run_restore},
    {"tokenize", "tokens of a text", "文本的词元", run_tokenize},
};

}  // namespace

std::span<const Command> all_commands() { return kCommands; }

}  // namespace aloud
