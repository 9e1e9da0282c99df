package io.varve.formats.nbd;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * An export of a server, as a URI (the NBD project's uri.md): {@code nbd://HOST[:PORT]/EXPORT} or
 * {@code nbd+unix:///EXPORT?socket=PATH}, or {@code nbds://HOST[:PORT]/EXPORT?tls-certificates=DIR}; QEMU's older
 * {@code nbd:unix:PATH:exportname=EXPORT} and {@code nbd:HOST:PORT:exportname=EXPORT} are read too.
 */
public record NbdUri(NbdAddress address, String exportName, Optional<String> tlsCertificates) {
    private static final String TCP = "nbd://";
    private static final String TLS = "nbds://";
    private static final String CERTIFICATES = "tls-certificates=";
    private static final String UNIX = "nbd+unix://";
    private static final String OLD = "nbd:";
    private static final String OLD_EXPORT = ":exportname=";

    /** An export that is reached without encryption, unless the client was told to encrypt. */
    public NbdUri(NbdAddress address, String exportName) {
        this(address, exportName, Optional.empty());
    }

    /**
     * Reads any of these forms.
     *
     * @throws IllegalArgumentException with a sentence that names the text and the forms expected
     */
    public static NbdUri parse(String text) {
        if (text.startsWith(UNIX)) {
            return unix(text, text.substring(UNIX.length()));
        }
        if (text.startsWith(TCP)) {
            String rest = text.substring(TCP.length());
            int slash = rest.indexOf('/');
            String authority = slash < 0 ? rest : rest.substring(0, slash);
            return new NbdUri(NbdAddress.parse(authority), decoded(text, slash < 0 ? "" : rest.substring(slash + 1)));
        }
        if (text.startsWith(TLS)) {
            return encrypted(text, text.substring(TLS.length()));
        }
        if (text.startsWith(OLD)) {
            String rest = text.substring(OLD.length());
            int export = rest.indexOf(OLD_EXPORT);
            String address = export < 0 ? rest : rest.substring(0, export);
            return new NbdUri(
                    NbdAddress.parse(address), export < 0 ? "" : rest.substring(export + OLD_EXPORT.length()));
        }
        throw unreadable(text);
    }

    private static NbdUri encrypted(String text, String rest) {
        int question = rest.indexOf('?');
        String place = question < 0 ? rest : rest.substring(0, question);
        int slash = place.indexOf('/');
        for (String parameter : rest.substring(question + 1).split("&", -1)) {
            if (question >= 0 && parameter.startsWith(CERTIFICATES) && parameter.length() > CERTIFICATES.length()) {
                return new NbdUri(
                        NbdAddress.parse(slash < 0 ? place : place.substring(0, slash)),
                        decoded(text, slash < 0 ? "" : place.substring(slash + 1)),
                        Optional.of(decoded(text, parameter.substring(CERTIFICATES.length()))));
            }
        }
        throw new IllegalArgumentException(
                "'" + text + "' names no certificates; expected nbds://HOST:PORT/EXPORT?tls-certificates=DIR");
    }

    private static NbdUri unix(String text, String rest) {
        int question = rest.indexOf('?');
        if (question < 0 || (question > 0 && !rest.startsWith("/"))) {
            throw unreadable(text);
        }
        for (String parameter : rest.substring(question + 1).split("&", -1)) {
            if (parameter.startsWith("socket=") && parameter.length() > "socket=".length()) {
                String path = decoded(text, parameter.substring("socket=".length()));
                return new NbdUri(
                        new NbdAddress.Unix(path), decoded(text, rest.substring(Math.min(1, question), question)));
            }
        }
        throw unreadable(text);
    }

    @Override
    public String toString() {
        return switch (address) {
            case NbdAddress.Unix(String path) -> UNIX + "/" + encoded(exportName) + "?socket=" + encoded(path);
            case NbdAddress.Tcp tcp ->
                tlsCertificates
                        .map(folder -> TLS + tcp + "/" + encoded(exportName) + "?" + CERTIFICATES + encoded(folder))
                        .orElseGet(() -> TCP + tcp + "/" + encoded(exportName));
        };
    }

    private static String decoded(String text, String part) {
        byte[] source = part.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[source.length];
        int length = 0;
        for (int i = 0; i < source.length; i++) {
            if (source[i] != '%') {
                bytes[length++] = source[i];
                continue;
            }
            int high = i + 2 < source.length ? Character.digit(source[i + 1], 16) : -1;
            int low = i + 2 < source.length ? Character.digit(source[i + 2], 16) : -1;
            if (high < 0 || low < 0) {
                throw unreadable(text);
            }
            bytes[length++] = (byte) (high << 4 | low);
            i += 2;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    private static String encoded(String part) {
        StringBuilder out = new StringBuilder();
        for (byte b : part.getBytes(StandardCharsets.UTF_8)) {
            boolean plain = (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
            if (plain || "-._~/@:".indexOf(b) >= 0) {
                out.append((char) b);
            } else {
                out.append(String.format("%%%02X", b & 0xff));
            }
        }
        return out.toString();
    }

    private static IllegalArgumentException unreadable(String text) {
        return new IllegalArgumentException(
                "'" + text + "' isn't an NBD URI; expected nbd://HOST:PORT/EXPORT or nbd+unix:///EXPORT?socket=PATH");
    }
}
