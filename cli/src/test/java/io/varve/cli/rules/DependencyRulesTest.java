package io.varve.cli.rules;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who may see whom. */
class DependencyRulesTest {

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "CLI")
    void shouldLetModulesSeeOnlyThoseUpstream(ProjectModule module) {
        noClasses()
                .that()
                .resideInAPackage(module.packages())
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(module.hiddenPackages())
                .check(ProjectClasses.ALL);
    }

    @Test
    void shouldHaveNoCyclesBetweenPackages() {
        slices().matching("io.varve.(**)").should().beFreeOfCycles().check(ProjectClasses.ALL);
    }

    @ParameterizedTest
    @EnumSource(names = {"CORE", "FORMATS"})
    void shouldKeepPureModulesOnJavaBaseAlone(ProjectModule module) {
        classes()
                .that()
                .resideInAPackage(module.packages())
                .should()
                .onlyDependOnClassesThat(inJavaBase()
                        .or(JavaClass.Predicates.resideInAnyPackage(module.packages(), "org.jspecify.annotations")))
                .check(ProjectClasses.ALL);
    }

    @Test
    void shouldKeepKafkaOutOfWhatARestoreNeeds() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        ProjectModule.RESTORE.packages(),
                        ProjectModule.TRANSFER.packages(),
                        ProjectModule.ARCHIVE.packages())
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.apache.kafka..", "org.apache.avro..")
                .check(ProjectClasses.ALL);
    }

    @Test
    void shouldKeepKafkaOffTheClassPathOfARestore() throws Exception {
        var classPath = Files.readString(SourceTree.ROOT.resolve("restore/target/classpath"));

        var kafka = List.of(classPath.split(":")).stream()
                .filter(each -> each.contains("kafka"))
                .toList();

        assertEquals(List.of(), kafka);
    }

    @Test
    void shouldKeepTheEmbeddedServersOffTheClassPathOfTheCommand() throws Exception {
        var classPath = Files.readString(SourceTree.ROOT.resolve("cli/target/classpath"));

        var servers = List.of(classPath.split(":")).stream()
                .filter(each -> each.contains("s3proxy") || each.contains("kafka_2.13") || each.contains("scala"))
                .toList();

        assertEquals(List.of(), servers);
    }

    private static DescribedPredicate<JavaClass> inJavaBase() {
        var packages = Object.class.getModule().getPackages();
        return DescribedPredicate.describe(
                "are in java.base",
                each -> each.getBaseComponentType().isPrimitive() || packages.contains(each.getPackageName()));
    }
}
