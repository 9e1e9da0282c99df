package io.varve.formats.nbd;

/** Where an NBD server listens. */
public sealed interface NbdAddress {
    /** The port that IANA gave to NBD. */
    int DEFAULT_PORT = 10809;

    int PORT_MAX = 65535;

    /** A Unix domain socket. */
    record Unix(String path) implements NbdAddress {
        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /** A TCP port: the host is a name or an address, IPv6 without brackets; port 0 lets a listener choose. */
    record Tcp(String host, int port) implements NbdAddress {
        @Override
        public String toString() {
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /**
     * Reads {@code unix:PATH}, {@code HOST:PORT}, {@code HOST}, {@code [IPV6]:PORT} or {@code :PORT} (all interfaces).
     *
     * @throws IllegalArgumentException with a sentence that names the text and the forms expected
     */
    static NbdAddress parse(String text) {
        if (text.startsWith("unix:")) {
            String path = text.substring("unix:".length());
            if (path.isEmpty()) {
                throw new IllegalArgumentException("'" + text + "' names no socket; expected unix:PATH");
            }
            return new Unix(path);
        }
        int bracket = text.startsWith("[") ? text.indexOf(']') : -1;
        if (bracket > 0) {
            return tcp(text, text.substring(1, bracket), text.substring(bracket + 1));
        }
        int colon = text.lastIndexOf(':');
        return colon < 0 ? tcp(text, text, "") : tcp(text, text.substring(0, colon), text.substring(colon));
    }

    private static NbdAddress tcp(String text, String host, String colonAndPort) {
        String wildcardHost = host.isEmpty() && !colonAndPort.isEmpty() ? "0.0.0.0" : host;
        int port = colonAndPort.isEmpty() ? DEFAULT_PORT : port(text, colonAndPort.substring(1));
        if (wildcardHost.isEmpty()
                || host.contains("/")
                || (!colonAndPort.isEmpty() && colonAndPort.charAt(0) != ':')) {
            throw new IllegalArgumentException(
                    "'" + text + "' isn't an NBD address; expected unix:PATH, HOST or HOST:PORT");
        }
        return new Tcp(wildcardHost, port);
    }

    private static int port(String text, String digits) {
        boolean numeric =
                !digits.isEmpty() && digits.length() <= 5 && digits.chars().allMatch(Character::isDigit);
        int port = numeric ? Integer.parseInt(digits) : -1;
        if (port < 0 || port > PORT_MAX) {
            throw new IllegalArgumentException("'" + text + "' has port '" + digits + "'; expected 0 to " + PORT_MAX);
        }
        return port;
    }
}
