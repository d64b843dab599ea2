using AstStream.Learning.Statistics;

namespace AstStream.Tests.Learning;

/// <summary>Beside torch.mean and torch.std of PyTorch 1.13 over the same log-mel.</summary>
public sealed class FeatureStatisticsTests
{
    private const int Window = 256;
    private const int Bins = 128;

    private static readonly string[] s_clips = ["bursts-12s", "chirp-10s24", "noise-3s", "one-frame", "silence-1s"];

    [Fact]
    public void Add_ReferenceClips_GivesPyTorchsNumbers()
    {
        var statistics = new FeatureStatistics(Window, Bins);
        foreach (var clip in s_clips)
            statistics.Add(Reference.Npy($"fbank/{clip}.npy").Values);

        Assert.Equal(-5.757602519090558, statistics.Padded.Mean, 1e-6);
        Assert.Equal(6.735142389034504, statistics.Padded.Std, 1e-6);
        Assert.Equal(-8.500266694851112, statistics.Unpadded.Mean, 1e-6);
        Assert.Equal(6.607362981352863, statistics.Unpadded.Std, 1e-6);
        Assert.Equal((5, 256 + 256 + 256 + 1 + 98), (statistics.Clips, statistics.Frames));
    }

    /// <summary>As get_norm_stats averages the batches of its loader.</summary>
    [Fact]
    public void Add_MoreThanAThousandClips_AveragesTheThousands()
    {
        var statistics = new FeatureStatistics(2, 1);
        for (var i = 0; i < 1500; i++)
            statistics.Add(i < 1000 ? [-4, -4] : [-10, -8]);

        Assert.Equal((-4 - 9) / 2.0, statistics.Padded.Mean, 1e-9);
        Assert.Equal((0 + Math.Sqrt(1000 / 999.0)) / 2, statistics.Padded.Std, 1e-9);
        Assert.Equal(((1000 * -4) + (500 * -9)) / 1500.0, statistics.Unpadded.Mean, 1e-9);
    }
}
