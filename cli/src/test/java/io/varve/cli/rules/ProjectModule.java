package io.varve.cli.rules;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** The modules, in the order in which the data flows. */
enum ProjectModule {
    CORE,
    FORMATS,
    SCHEMAS,
    ARCHIVE,
    TRANSFER,
    EMBEDDED,
    CAPTURE,
    STREAMS,
    SINK,
    RESTORE,
    CLI;

    /** The modules whose classes it may use. */
    Set<ProjectModule> visible() {
        return switch (this) {
            case CORE, FORMATS, EMBEDDED -> Set.of();
            case SCHEMAS, ARCHIVE -> Set.of(CORE, FORMATS);
            case TRANSFER -> Set.of(CORE, FORMATS, ARCHIVE);
            case STREAMS -> Set.of(CORE, FORMATS, SCHEMAS);
            case CAPTURE, SINK -> Set.of(CORE, FORMATS, SCHEMAS, ARCHIVE, TRANSFER);
            case RESTORE -> Set.of(CORE, FORMATS, ARCHIVE, TRANSFER);
            case CLI -> EnumSet.allOf(ProjectModule.class);
        };
    }

    /** Its packages, in ArchUnit's notation. */
    String packages() {
        return "io.varve." + name().toLowerCase(Locale.ROOT) + "..";
    }

    /** The packages of all the modules that it must not use. */
    String[] hiddenPackages() {
        return Stream.of(values())
                .filter(other -> other != this && !visible().contains(other))
                .map(ProjectModule::packages)
                .toArray(String[]::new);
    }
}
