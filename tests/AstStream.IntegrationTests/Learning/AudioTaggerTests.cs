using System.Text.Json;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Learning;

namespace AstStream.IntegrationTests.Learning;

/// <summary>The model as another program calls it.</summary>
public sealed class AudioTaggerTests : IDisposable
{
    private static readonly string s_reference = Path.Combine(AppContext.BaseDirectory, "reference");
    private static readonly string s_clip = Path.Combine(s_reference, "audio", "noise-3s.wav");
    private static readonly string s_small = Path.Combine(s_reference, "ast-small-16x16-t256");

    private readonly AudioTagger _tagger = AudioTagger.Open(s_small);

    public void Dispose() => _tagger.Dispose();

    [Fact]
    public async Task Tag_Clip_SaysWhatClassifySays()
    {
        var classified = await Cli.RunAsync("classify", s_clip, "--model", s_small, "--top-k", "3", "--json");
        using var answer = JsonDocument.Parse(classified.Output);
        var expected = answer.RootElement.GetProperty("results").EnumerateArray()
            .Select(r => (r.GetProperty("label").GetString(), Math.Round(r.GetProperty("score").GetDouble(), 4)));
        await using var sound = await AudioFile.OpenAsync(s_clip);

        var tags = _tagger.Tag(sound);

        Assert.Equal(_tagger.Labels.Count, tags.Count);
        Assert.Equal(expected, tags.Take(3).Select(t => ((string?)t.Label, Math.Round((double)t.Score, 4))));
    }

    [Fact]
    public void Embed_OneSoundInTwoWays_IsTheSame()
    {
        var samples = new float[32_000];
        for (var i = 0; i < samples.Length; i++)
            samples[i] = MathF.Sin(i * 0.2f);

        var embedding = _tagger.Embed(samples, 16_000);
        var tags = _tagger.Tag(samples, 16_000);

        Assert.NotEmpty(embedding);
        Assert.All(embedding, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(embedding, _tagger.Embed(samples, 16_000));
        Assert.Equal(tags, _tagger.Tag(new ArrayReader(samples, 16_000)));
        Assert.NotEqual(embedding, _tagger.Embed(samples.AsMemory(0, 16_000), 16_000));
    }

    [Fact]
    public void TagWindows_LongSound_CoverItAndEndWhereItEnds()
    {
        var seconds = (2 * _tagger.WindowSeconds) + 1;
        var samples = new float[(int)(seconds * 16_000)];
        Array.Fill(samples, 0.1f);

        var starts = _tagger.TagWindows(new ArrayReader(samples, 16_000)).Select(w => w.Start).ToList();

        Assert.Equal(3, starts.Count);
        Assert.Equal((0, _tagger.WindowSeconds), (starts[0], starts[1]));
        Assert.InRange(starts[2] + _tagger.WindowSeconds, seconds - 0.05, seconds);
    }

    [Fact]
    public void Tag_NoSound_SaysSo()
    {
        var e = Assert.Throws<InvalidAudioException>(() => _tagger.Tag(Array.Empty<float>(), 16_000));

        Assert.Equal("the clip: holds no sound (0 samples)", e.Message);
    }
}
