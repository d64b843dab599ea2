using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Tests.Model.Training;

namespace AstStream.Tests.Learning.Training;

/// <summary>What a localiser is to say, of windows of 256 frames: 16 columns of 0.16 s.</summary>
public sealed class ColumnTargetsTests : IDisposable
{
    private const int Rate = 16_000;

    private readonly string _file = Path.GetTempFileName();
    private readonly SoundBank _bank;

    public ColumnTargetsTests() => _bank = SoundBank.Create(_file);

    public void Dispose() => _bank.Dispose();

    [Theory]
    [InlineData(0, 3, 5)] // as it lies in the clip: 0.48 to 0.96 s
    [InlineData(10_240, 7, 9)] // turned by four columns
    [InlineData(35_840, 1, 3)] // by fourteen of sixteen: two back
    [InlineData(30_720, 15, 1)] // by twelve: it goes over the window's end
    public void Fill_AClipThatIsTurned_SaysWhereItsLabelSounds(int turn, int first, int last)
    {
        var (targets, weights) = Fill(Made(turn), Clip([0], [("low", 0.48, 0.96)]));

        for (var column = 0; column < 16; column++)
        {
            var sounds = first <= last ? column >= first && column <= last : column >= first || column <= last;
            Assert.Equal(sounds ? 1 : 0, targets[column * 2]);
            Assert.Equal(1f / 16, weights[column * 2]);
            Assert.Equal(0, weights[(column * 2) + 1]); // a label that is not there is not asked for
        }
    }

    [Fact]
    public void Fill_APartOfAColumn_SaysHowMuch()
    {
        var (targets, _) = Fill(Made(0), Clip([0], [("low", 0.48 + 0.08, 0.96)]));
        Assert.Equal(0.5f, targets[3 * 2], 0.07f);
    }

    [Fact]
    public void Fill_ALabelWhoseTimesNobodyKnows_IsNotAskedFor()
    {
        Assert.All(Fill(Made(0), Clip([0], null)).Weights, w => Assert.Equal(0, w));

        // Nor where a clip of which they are known is mixed with one of which they are not.
        var (_, weights) = Fill(
            new MadeWindow(new PlacedClip(0, 0, 40_960), new PlacedClip(0, 0, 40_960), 0.5), Clip([0], [("low", 0, 1)]), Clip([0], null));
        Assert.All(weights, w => Assert.Equal(0, w));
    }

    [Fact]
    public void Fill_TwoClipsMixed_SaysWhereEitherSounds()
    {
        var made = new MadeWindow(new PlacedClip(0, 0, 40_960), new PlacedClip(0, 0, 40_960), 0.5);
        var (targets, weights) = Fill(made, Clip([0], [("low", 0, 0.16)]), Clip([1], [("high", 0.32, 0.48)]));

        Assert.Equal(1, targets[0]);
        Assert.Equal(1, targets[(2 * 2) + 1]);
        Assert.Equal(2, targets.Sum());
        Assert.All(weights, w => Assert.Equal(1f / 16, w));
    }

    [Fact]
    public void Fill_PaddingAfterAShortClip_IsNotAskedFor()
    {
        var (_, weights) = Fill(new MadeWindow(new PlacedClip(0, 0, Rate / 2), default, 0), Clip([0], [("low", 0, 0.5)]));
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 16).Where(c => weights[c * 2] > 0));
    }

    private static MadeWindow Made(int turn) => new(new PlacedClip(0, turn, 40_960), default, 0);

    private static LearntClip Clip(int[] targets, (string Label, double Onset, double Offset)[]? times) => new(
        new BankedClip(
            new LabelledClip("clip", [], "day", "")
            {
                Times = times is null ? null : [.. times.Select(t => new TimedLabel("clip", t.Label, t.Onset, t.Offset))],
            },
            "", 0, 40_960), targets);

    private (float[] Targets, float[] Weights) Fill(MadeWindow made, LearntClip clip, LearntClip? other = null)
    {
        var config = TrainingTrial.Config() with
        {
            Labels = ["low", "high"],
            Localiser = new LocaliserConfig { IntermediateSize = 8, LayerNormEps = 1e-5f, Groups = [[0], [1]] },
        };
        var columns = new ColumnTargets(new FineTuneData
        {
            Bank = _bank,
            Config = config,
            Extractor = ExtractorConfig.AudioSet,
            Weights = _ => [],
            Train = [],
            Chosen = [],
            Thresholds = [],
            Of = new Dictionary<string, string>(),
        });
        var (targets, weights) = (new float[16 * 2], new float[16 * 2]);
        columns.Fill(made, clip, other ?? clip, 1, targets, weights);
        return (targets, weights);
    }
}
