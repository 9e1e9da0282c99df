package io.varve.formats.nbd;

import java.util.List;

/** What a server's handshake asks about its exports. */
public interface ExportDirectory {

    /** The names of all exports. */
    List<String> names();

    /** Looks at an export. */
    Lookup find(String name);

    /** Takes an export into use: after {@link Lookup.Found} this connection counts as one of its users. */
    Lookup enter(String name);

    /** The answer about a name. */
    sealed interface Lookup {

        record Found(ExportDescription description) implements Lookup {}

        /** There is no such export; the sentence says so. */
        record Unknown(String reason) implements Lookup {}

        /** The export exists and may not be used now; the sentence says why. */
        record Refused(String reason) implements Lookup {}
    }
}
