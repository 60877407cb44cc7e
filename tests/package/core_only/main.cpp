// The in-memory store, alone.
#include <string>

#include "strata/memory/in_memory_store.h"

struct Note {
  std::string title;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Note, (), (title, text))

template <>
struct strata::Entity<Note> {
  static constexpr auto table = "notes";
  static constexpr strata::KeySpace keys{"notes", "note"};
  static std::string id(const Note& n) { return n.title; }
};

int main() {
  auto notes = strata::InMemoryStore<Note>::create();
  if (!notes.ok()) return 1;
  if (!(*notes)->put({.title = "a", .text = "b"}).ok()) return 1;
  auto note = (*notes)->get("a");
  return note.ok() && *note != nullptr && (*note)->text == "b" ? 0 : 1;
}
