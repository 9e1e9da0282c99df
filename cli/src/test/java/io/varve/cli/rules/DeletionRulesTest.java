package io.varve.cli.rules;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import io.varve.archive.store.ObjectStore;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Nothing in the product can delete an object of the archive. */
class DeletionRulesTest {
    private static final Pattern DELETING = Pattern.compile("(?i).*(delete|remove).*");

    @Test
    void shouldOfferNoDeletion() { // I13
        var deleting = Arrays.stream(ObjectStore.class.getMethods())
                .map(Method::getName)
                .filter(DELETING.asMatchPredicate())
                .toList();

        assertEquals(List.of(), deleting);
    }

    @Test
    void shouldCallNoDeletionOfTheS3Client() { // I13
        noClasses()
                .should()
                .callMethodWhere(DescribedPredicate.describe(
                        "delete an object by S3",
                        (JavaMethodCall call) ->
                                call.getTargetOwner().getPackageName().startsWith("io.minio")
                                        && DELETING.matcher(call.getName()).matches()))
                .check(ProjectClasses.ALL);
    }
}
