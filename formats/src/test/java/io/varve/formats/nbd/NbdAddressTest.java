package io.varve.formats.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NbdAddressTest {

    @Test
    void shouldReadEveryForm() {
        assertEquals(new NbdAddress.Unix("/run/a b.sock"), NbdAddress.parse("unix:/run/a b.sock"));
        assertEquals(new NbdAddress.Tcp("localhost", 10809), NbdAddress.parse("localhost"));
        assertEquals(new NbdAddress.Tcp("10.0.0.1", 0), NbdAddress.parse("10.0.0.1:0"));
        assertEquals(new NbdAddress.Tcp("0.0.0.0", 99), NbdAddress.parse(":99"));
        assertEquals(new NbdAddress.Tcp("::1", 10809), NbdAddress.parse("[::1]"));
        assertEquals(new NbdAddress.Tcp("::1", 65535), NbdAddress.parse("[::1]:65535"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "unix:", "host:", "host:65536", "host:-1", "host:1x", "[::1]x", "a/b:1", "host:999999"})
    void shouldRefuseWhatIsNoAddress(String text) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> NbdAddress.parse(text));

        assertTrue(e.toString().contains("'" + text + "'"), e.toString());
    }

    @Test
    void shouldReadUris() {
        assertEquals(
                new NbdUri(new NbdAddress.Tcp("localhost", 10810), "drive0@a b"),
                NbdUri.parse("nbd://localhost:10810/drive0@a%20b"));
        assertEquals(new NbdUri(new NbdAddress.Tcp("::1", 10809), ""), NbdUri.parse("nbd://[::1]"));
        assertEquals(
                new NbdUri(new NbdAddress.Unix("/run/nbd.sock"), "drive0"),
                NbdUri.parse("nbd+unix:///drive0?x=1&socket=%2Frun/nbd.sock"));
        assertEquals(
                new NbdUri(new NbdAddress.Unix("/run/nbd.sock"), "drive0"),
                NbdUri.parse("nbd:unix:/run/nbd.sock:exportname=drive0"));
        assertEquals(
                new NbdUri(new NbdAddress.Tcp("localhost", 10809), "drive0"),
                NbdUri.parse("nbd:localhost:10809:exportname=drive0"));
    }

    @Test
    void shouldWriteUrisThatItReads() {
        for (NbdAddress address :
                new NbdAddress[] {new NbdAddress.Unix("/a b/%?&ü"), new NbdAddress.Tcp("::1", 7), NbdAddress.parse("h")
                }) {
            for (String name : new String[] {"", "drive0", "drive0@4f?x=1", "größe/%41"}) {
                NbdUri uri = new NbdUri(address, name);
                assertEquals(uri, NbdUri.parse(uri.toString()));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "http://a/b",
                "nbd+unix:///a",
                "nbd+unix://a?socket=/b",
                "nbd+unix:///a?socket=",
                "nbd://h/%4"
            })
    void shouldRefuseWhatIsNoUri(String text) {
        assertThrows(IllegalArgumentException.class, () -> NbdUri.parse(text));
    }
}
