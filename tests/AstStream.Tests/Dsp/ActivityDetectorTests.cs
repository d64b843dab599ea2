using AstStream.Dsp;
using FsCheck;
using FsCheck.Xunit;

namespace AstStream.Tests.Dsp;

public class ActivityDetectorTests
{
    [Fact]
    public void Accept_RiseAndFall_IsFromTheFirstLoudColumnToTheLastThatGoesOn() =>
        Assert.Equal(["2-5"], Activities([0, 9.9f, 10, 5, 5, 4.9f, 0, 0, 0, 0]));

    [Fact]
    public void Accept_GapsOfUpToThreeColumns_AreBridged()
    {
        Assert.Equal(["0-5"], Activities([10, 0, 0, 0, 5, 0, 0, 0, 0]));
        Assert.Equal(["0-1", "5-6"], Activities([10, 0, 0, 0, 0, 10, 0, 0, 0, 0]));
    }

    [Fact]
    public void Accept_FaintFromTheStart_IsNone() => Assert.Empty(Activities([5, 6, 7, 8, 9, 9.9f, 0, 0, 0, 0]));

    [Fact]
    public void Reset_WhileSomethingSounds_ForgetsIt()
    {
        var detector = new ActivityDetector();
        detector.Accept(20);
        Assert.True(detector.IsActive);

        detector.Reset();

        Assert.Equal((false, 0L), (detector.IsActive, detector.Columns));
    }

    [Property(MaxTest = 200)]
    public bool Restore_Anywhere_GoesOnAsTheOneThatWasSaved(byte[] steps, byte at)
    {
        var levels = steps.Select(s => s / 12f).ToArray();
        var savedAt = levels.Length == 0 ? 0 : at % levels.Length;
        var whole = new ActivityDetector();
        var expected = levels.Select(whole.Accept).ToList();

        var before = new ActivityDetector();
        var found = levels[..savedAt].Select(before.Accept).ToList();
        var bytes = new MemoryStream();
        before.Save(new BinaryWriter(bytes));
        bytes.Position = 0;
        var after = new ActivityDetector();
        after.Restore(new BinaryReader(bytes));
        found.AddRange(levels[savedAt..].Select(after.Accept));
        return expected.SequenceEqual(found) && (whole.Onset, whole.End, whole.IsActive) == (after.Onset, after.End, after.IsActive);
    }

    private static List<string> Activities(float[] levels)
    {
        var detector = new ActivityDetector();
        return [.. levels.Where(detector.Accept).Select(_ => $"{detector.Onset}-{detector.End}")];
    }
}
