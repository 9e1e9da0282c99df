package io.varve.cli.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import org.junit.jupiter.api.Test;

class ShellLineTest {

    @Test
    void shouldTakeRequestsAsTheyAre() {
        assertRequest("{\"execute\":\"query-name\",\"id\":1}", "  {'execute': 'query-name', 'id': 1} ");
    }

    @Test
    void shouldMakeRequestsOfCommandsWithArguments() {
        assertRequest("{\"execute\":\"query-block\"}", "query-block");
        assertRequest(
                "{\"execute\":\"block-dirty-bitmap-add\",\"arguments\":"
                        + "{\"node\":\"drive0\",\"name\":\"b c\",\"granularity\":65536,\"persistent\":true}}",
                "block-dirty-bitmap-add node=drive0 name=\"b c\" granularity=65536 persistent=true");
        assertRequest(
                "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"qcow2\",\"node-name\":\"n\","
                        + "\"file\":{\"driver\":\"file\",\"filename\":\"/a b=c\"}}}",
                "blockdev-add driver=qcow2 node-name=n file.driver=file file.filename='/a b=c'");
        assertRequest(
                "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[{\"type\":\"abort\",\"data\":{}}]}}",
                "transaction actions=[ {'type': 'abort', 'data': {}} ]");
        assertRequest("{\"execute\":\"x\",\"arguments\":{\"a\":\"\"}}", "x a=");
    }

    @Test
    void shouldSayWhatIsWrong() {
        assertInstanceOf(ShellLine.Empty.class, ShellLine.read("  "));
        assertInstanceOf(ShellLine.Wrong.class, ShellLine.read("query-block x"));
        assertInstanceOf(ShellLine.Wrong.class, ShellLine.read("x a=1 a=2"));
        assertInstanceOf(ShellLine.Wrong.class, ShellLine.read("x a=1 a.b=2"));
        assertInstanceOf(ShellLine.Wrong.class, ShellLine.read("{} {}"));
        assertInstanceOf(ShellLine.Wrong.class, ShellLine.read("{"));
    }

    private static void assertRequest(String expected, String line) {
        var request = assertInstanceOf(ShellLine.Request.class, ShellLine.read(line));
        assertEquals(expected, request.json().toString());
    }
}
