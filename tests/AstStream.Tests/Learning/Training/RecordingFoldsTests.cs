using AstStream.Learning.Training;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Learning.Training;

public sealed class RecordingFoldsTests
{
    [Property(MaxTest = 200)]
    public Property Deal_AnyRecordings_EveryFoldHasItsShareOfEveryLabelAndTheOrderDoesNotMatter() => Prop.ForAll(
        Gen.Choose(1, 1_000_000).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            var (folds, labels) = (random.Next(2, 6), random.Next(1, 8));
            var clips = Enumerable.Range(0, labels).SelectMany(label => Enumerable.Range(0, folds * random.Next(1, 5)).SelectMany(
                r => Enumerable.Repeat(($"{label}-{r}", (IReadOnlyList<int>)[label]), random.Next(1, 4)))).ToList();

            var dealt = RecordingFolds.Deal(clips, folds);
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(clips));
            var again = RecordingFolds.Deal(clips, folds);

            var isShared = Enumerable.Range(0, labels).All(label => Enumerable.Range(0, folds).All(
                fold => dealt.Any(d => d.Key.StartsWith($"{label}-", StringComparison.Ordinal) && d.Value == fold)));
            return isShared && dealt.OrderBy(d => d.Key).SequenceEqual(again.OrderBy(d => d.Key));
        });
}
