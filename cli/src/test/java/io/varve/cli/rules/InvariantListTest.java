package io.varve.cli.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The list of invariants names tests that are there and cite them. */
class InvariantListTest {
    private static final int INVARIANTS = 14;
    private static final Pattern ROW = Pattern.compile("\\| (I\\d+) \\|[^|]*\\|([^|]*)\\|");
    private static final Pattern TEST = Pattern.compile("`(\\w+Test)`");

    @Test
    void shouldNameTestsThatCiteEachInvariant() throws Exception {
        var cited = new TreeMap<String, List<String>>();
        for (var line : Files.readAllLines(SourceTree.ROOT.resolve("docs/invariants.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                cited.put(
                        row.group(1),
                        TEST.matcher(row.group(2))
                                .results()
                                .map(test -> test.group(1))
                                .toList());
            }
        }

        var all = new TreeSet<>(
                IntStream.rangeClosed(1, INVARIANTS).mapToObj(id -> "I" + id).toList());
        assertEquals(all, cited.keySet());
        var wrong = new ArrayList<String>();
        for (var entry : cited.entrySet()) {
            assertTrue(!entry.getValue().isEmpty(), () -> entry.getKey() + " names no test");
            for (var test : entry.getValue()) {
                if (!cites(test, entry.getKey())) {
                    wrong.add(test + " doesn't cite " + entry.getKey());
                }
            }
        }
        assertEquals(List.of(), wrong);
    }

    private static boolean cites(String test, String id) throws Exception {
        var citation = Pattern.compile("\\b" + id + "\\b");
        for (var file : SourceTree.javaFiles()) {
            if (file.getFileName().toString().equals(test + ".java")) {
                return citation.matcher(Files.readString(file)).find();
            }
        }
        return false;
    }
}
