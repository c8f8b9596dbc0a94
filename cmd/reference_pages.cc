// reference_pages FOLDER: writes the pages of docs/ that are read off the code (cmd/reference.h).
#include <cstdio>
#include <fstream>

#include "cmd/reference.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: reference_pages SOURCE_FOLDER\n", stderr), 1;
  const std::string folder = argv[1];
  auto pages = cmd::reference_pages(folder);
  if (!pages) return std::fprintf(stderr, "Error: %s\n", pages.error().message().c_str()), 1;
  for (const cmd::ReferencePage& page : *pages) {
    std::ofstream out(folder + "/" + page.path, std::ios::trunc);
    out << page.text;
    out.close();
    if (!out) return std::fprintf(stderr, "Error: cannot write %s\n", page.path.c_str()), 1;
    std::puts(page.path.c_str());
  }
  return 0;
}
