package io.varve.cli.rules;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;

/** The classes of the product: all that is on the class path of the command, without tests. */
final class ProjectClasses {

    static final JavaClasses ALL = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            // Other modules' tests come as folders or, once they are packaged, as jars.
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("io.varve");

    private ProjectClasses() {}
}
