#!/usr/bin/env python3
"""Proves that each structure check fails on a small bad tree, and passes on a good one."""

import os
import shutil
import tempfile
import unittest
from unittest import mock

import banned
import files
import format as formatting
import includes
from tree import Tree, code_of

ROOMS = '''
set(ROOM_TABLE
  "kube/base:"
  "kube/async: kube/base"
  "kube/core:  kube/base"
  "spark:      kube/base kube/core"
)
# Files that may hold Beast and TLS streams.
set(HEAVY_SOURCES kube/async/socket.cc)
set(CRYPTO_SOURCES kube/core/digest.cc)
'''
NAMED = {"kube/async/socket.cc": "", "kube/core/digest.cc": ""}


class Checks(unittest.TestCase):
    def tree(self, rooms=ROOMS, at={}):
        root = tempfile.mkdtemp(prefix="structure-")
        self.addCleanup(shutil.rmtree, root)
        for name, text in {"cmake/rooms.cmake": rooms, **NAMED, **at}.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(text)
        return Tree(root)

    def assert_one(self, findings, *words):
        self.assertEqual(len(findings), 1, findings)
        for word in words:
            self.assertIn(word, findings[0])

    # includes.py

    def test_an_include_that_the_table_allows_passes(self):
        tree = self.tree(at={"kube/base/a.h": "", "spark/b.cc": '#include "kube/base/a.h"\n#include <vector>\n'})
        self.assertEqual(includes.check(tree), [])

    def test_a_lower_room_may_not_include_an_upper_one(self):
        tree = self.tree(at={"spark/a.h": "", "kube/core/b.h": '#pragma once\n#include "spark/a.h"\n'})
        self.assert_one(includes.check(tree), "kube/core/b.h:2:", "kube/core may not include spark")

    def test_what_is_not_in_the_row_is_not_reached_through_another_row(self):
        tree = self.tree(at={"kube/async/a.h": "", "spark/b.h": '#include "kube/async/a.h"\n'})
        self.assert_one(includes.check(tree), "spark may not include kube/async")

    def test_a_sub_folder_belongs_to_its_room(self):
        tree = self.tree(at={"spark/a.h": "", "kube/core/deep/b.h": '#include "spark/a.h"\n'})
        self.assert_one(includes.check(tree), "kube/core may not include spark")

    def test_a_relative_include_is_refused(self):
        tree = self.tree(at={"kube/core/a.h": "", "kube/core/b.h": '#include "a.h"\n'})
        self.assert_one(includes.check(tree), "is no file seen from the repository's root")

    def test_an_include_in_a_comment_is_no_include(self):
        tree = self.tree(at={"spark/a.h": "", "kube/core/b.h": '// #include "spark/a.h"\n/*\n#include "spark/a.h"\n*/\n'})
        self.assertEqual(includes.check(tree), [])

    def test_heavy_libraries_stay_in_the_named_sources(self):
        text = "#include <boost/beast/http.hpp>\n"
        self.assertEqual(includes.check(self.tree(at={"kube/async/socket.cc": text})), [])
        self.assert_one(includes.check(self.tree(at={"kube/async/other.cc": text})), "kube/async/other.cc:1:")
        self.assert_one(includes.check(self.tree(at={"kube/core/x.cc": "#include <boost/asio/ssl/stream.hpp>\n"})), "asio/ssl")
        self.assert_one(includes.check(self.tree(at={"kube/core/x.cc": "#include <boost/asio/ssl.hpp>\n"})), "asio/ssl")

    def test_crypto_stays_in_the_named_sources(self):
        self.assertEqual(includes.check(self.tree(at={"kube/core/digest.cc": "#include <openssl/evp.h>\n"})), [])
        self.assert_one(includes.check(self.tree(at={"kube/core/digest.h": "#include <openssl/evp.h>\n"})), "openssl/evp.h")

    def test_a_header_is_no_heavy_source(self):
        rooms = ROOMS.replace("kube/async/socket.cc", "kube/async/socket.h")
        self.assert_one(includes.check(self.tree(rooms, at={"kube/async/socket.h": ""})), "only a .cc file")

    def test_six_heavy_sources_are_too_many(self):
        six = [f"kube/async/{c}.cc" for c in "abcdef"]
        rooms = ROOMS.replace("kube/async/socket.cc", " ".join(six))
        self.assert_one(includes.check(self.tree(rooms, at={f: "" for f in six})), "names 6 files")

    def test_a_heavy_source_that_is_gone_is_found(self):
        self.assert_one(includes.check(self.tree(ROOMS.replace("socket.cc", "gone.cc"))), "kube/async/gone.cc is no file")

    def test_spdlog_stays_behind_the_log_header(self):
        self.assertEqual(includes.check(self.tree(at={"kube/base/log.cc": "#include <spdlog/spdlog.h>\n"})), [])
        self.assert_one(includes.check(self.tree(at={"kube/base/log.h": "#include <spdlog/spdlog.h>\n"})), "kube/base/log.cc only")

    def test_a_row_that_names_no_room_is_found(self):
        self.assert_one(includes.check(self.tree(ROOMS.replace("spark:      kube/base", "spark: kube/bsae"))), "kube/bsae, which is no room")

    # banned.py

    def test_each_banned_thing_is_found_outside_its_rooms_only(self):
        for text in ("asio::steady_timer t;", "asio::system_timer t;", "boost::beast::tcp_stream s;", "x.expires_after(1s);", "x->expires_at(t);",
                     "std::random_device d;", "std::mt19937 g;", "int r = std::rand();", "auto r = rand();",
                     "auto n = std::chrono::system_clock::now();", "auto n = steady_clock::now();", "auto n = time(nullptr);",
                     "std::this_thread::sleep_for(1s);", "usleep(5);", "co_spawn(ex, f(), asio::detached);",
                     "std::thread([]{}).detach();"):
            with self.subTest(text):
                self.assert_one(banned.check(self.tree(at={"spark/a.cc": f"\n{text}\n"})), "spark/a.cc:2:")
                self.assertEqual(banned.check(self.tree(at={"kube/async/a.cc": f"\n{text}\n"})), [])

    def test_an_order_made_of_addresses_is_found_everywhere(self):
        for text in ("std::map<Pod*, int> m;", "std::set<const Pod*> s;", "std::set<std::shared_ptr<Pod>> s;"):
            with self.subTest(text):
                self.assert_one(banned.check(self.tree(at={"kube/async/a.h": text})), "addresses")

    def test_comments_and_literals_may_say_what_code_may_not(self):
        tree = self.tree(at={"spark/a.cc": '// no steady_timer\nauto s = "std::mt19937"; /* asio::detached */ auto r = R"x(rand())x";\n'})
        self.assertEqual(banned.check(tree), [])

    def test_walking_an_unordered_container_is_found_also_through_the_header(self):
        header = "std::unordered_map<std::string, std::vector<int>> pods_;\nstd::map<int, int> sorted_;\n"
        tree = self.tree(at={"spark/a.h": header, "spark/a.cc": "for (auto& [k, v] : pods_) f(k);\nfor (auto& x : sorted_) g(x);\n"})
        self.assert_one(banned.check(tree), "spark/a.cc:1:", "pods_")
        self.assert_one(banned.check(self.tree(at={"spark/a.h": header, "spark/b.h": "", "spark/a.cc": "auto i = pods_.begin();\n"})), "pods_")
        self.assertEqual(banned.check(self.tree(at={"spark/a.h": header, "spark/a.cc": "auto i = pods_.find(k);\n"})), [])

    def test_kube_never_names_the_operator_above_it(self):
        self.assert_one(banned.check(self.tree(at={"kube/core/a.h": "// as sPaRk does\n"})), "kube/core/a.h:1:")
        self.assert_one(banned.check(self.tree(at={"kube/core/README.md": "/opt/spark\n"})), "kube/core/README.md:1:")
        self.assert_one(banned.check(self.tree(at={"kube/core/spark_key.h": ""})), "file names")
        self.assertEqual(banned.check(self.tree(at={"spark/a.h": "// Spark\n"})), [])

    def test_a_folder_without_a_meaning_is_found(self):
        self.assert_one(banned.check(self.tree(at={"spark/utils/a.h": ""})), "utils/")
        self.assert_one(banned.check(self.tree(at={"common/a.md": ""})), "common/")

    def test_an_exception_that_nobody_needs_is_found(self):
        with mock.patch.dict(banned.ALLOWED, {("spark/a.cc", "a raw clock"): "for this test"}):
            self.assertEqual(banned.check(self.tree(at={"spark/a.cc": "auto n = steady_clock::now();"})), [])
            self.assert_one(banned.check(self.tree(at={"spark/a.cc": ""})), "no longer needs")

    # files.py and format.py

    READMES = {"kube/async/README.md": "", "kube/core/README.md": ""}

    def test_a_room_without_a_readme_is_found(self):
        self.assert_one(files.check(self.tree(at={**self.READMES, "spark/a.h": ""})), "spark/README.md: missing")
        self.assertEqual(files.check(self.tree(at={**self.READMES, "spark/a.h": "", "spark/README.md": ""})), [])

    def test_a_source_that_nothing_builds_is_found(self):
        room = {**self.READMES, "spark/README.md": "", "spark/CMakeLists.txt": "room(spark SOURCES a.cc TESTS sub/b_test.cc)"}
        self.assertEqual(files.check(self.tree(at={**room, "spark/a.cc": "", "spark/sub/b_test.cc": ""})), [])
        self.assert_one(files.check(self.tree(at={**room, "spark/a_test.cc": ""})), "spark/a_test.cc: no CMakeLists.txt names it")
        self.assert_one(files.check(self.tree(at={**room, "spark/sub/a.cc": ""})), "spark/sub/a.cc: no CMakeLists.txt names it")
        shared = {"spark/world.h": "", "spark/a.cc": ""}
        self.assert_one(files.check(self.tree(at={**room, **shared})), "spark/world.h: no CMakeLists.txt names it")
        shared["spark/a.cc"] = '#include "spark/world.h"\n'
        self.assertEqual(files.check(self.tree(at={**room, **shared})), [])

    def test_a_long_file_is_found(self):
        readme = {**self.READMES, "spark/README.md": ""}
        self.assertEqual(files.check(self.tree(at={**readme, "spark/a.cc": "\n" * 700})), [])
        self.assert_one(files.check(self.tree(at={**readme, "spark/a.cc": "\n" * 701})), "701 lines")

    def test_an_unformatted_file_is_found(self):
        style = {".clang-format": "BasedOnStyle: Google\n"}
        self.assertEqual(formatting.check(self.tree(at={**style, "spark/a.cc": "int a = 1;\n"})), [])
        self.assert_one(formatting.check(self.tree(at={**style, "spark/a.cc": "int   a=1 ;\n"})), "spark/a.cc: not formatted")

    # tree.py

    def test_blanking_keeps_line_numbers(self):
        text = "a /* x\n y */ b // c\nd 'e' \"f\\\"g\" 1'000 h\n"
        code = code_of(text)
        self.assertEqual(code.count("\n"), text.count("\n"))
        for word in ("x", "y", "c\n", "e'", "f"):
            self.assertNotIn(word, code)
        for word in ("a", "b", "d", "1'000", "h"):
            self.assertIn(word, code)


if __name__ == "__main__":
    unittest.main()
