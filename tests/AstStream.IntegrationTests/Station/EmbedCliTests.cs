using AstStream.Dsp;
using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.IntegrationTests.Station;

/// <summary>store embed: what events of before are to a model, from their clips.</summary>
public sealed class EmbedCliTests : IDisposable
{
    private const int Rate = FbankOptions.SampleRate;
    private const double Before = 2; // seconds of another sound before each event in its clip

    private readonly string _station = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private string Store => Path.Combine(_station, "events.db");

    public void Dispose() => Directory.Delete(_station, recursive: true);

    [Fact]
    public async Task Embed_EventsWithClips_GivesThoseThatSoundAlikeTheSameDirection()
    {
        Make();
        var first = await Cli.RunAsync("store", "embed", _station);
        var again = await Cli.RunAsync("store", "embed", _station);
        var nowhere = await Cli.RunAsync("store", "embed", Path.Combine(_station, "none"));

        Assert.Equal(3, first.ExitCode); // one clip is no sound
        Assert.Contains("broken.wav", first.Error, StringComparison.Ordinal);
        Assert.Contains("4 events have embeddings", first.Output + first.Error, StringComparison.Ordinal);
        Assert.Contains("broken.wav", again.Error, StringComparison.Ordinal); // it alone is left to do
        Assert.Contains("0 events have embeddings", again.Output + again.Error, StringComparison.Ordinal);
        Assert.Equal(2, nowhere.ExitCode);
        Assert.Contains("there is no such store", nowhere.Error, StringComparison.Ordinal);
        using var reader = EmbeddingReader.Open(Store);
        var vectors = Enumerable.Range(0, 4).Select(i => reader.Of(Id(i))!.Value.Embedding.Vector).ToList();
        Assert.All(vectors, v => Assert.Equal(192, v.Length));
        Assert.True(Cosine(vectors[0], vectors[2]) > 0.9); // two tones, two noises
        Assert.True(Cosine(vectors[1], vectors[3]) > 0.9);
        Assert.True(Cosine(vectors[0], vectors[1]) < 0.7, $"{Cosine(vectors[0], vectors[1])}");
    }

    private static string Id(int i) => $"{i + 0x10000000:x8}";

    private static double Cosine(float[] a, float[] b)
    {
        double Product(float[] x, float[] y) => x.Zip(y).Sum(p => (double)p.First * p.Second);
        return Product(a, b) / Math.Sqrt(Product(a, a) * Product(b, b));
    }

    /// <summary>Five events in clips of their own: tones and noises in turns, after 2 s of the other; the last is broken.</summary>
    private void Make()
    {
        var clips = Directory.CreateDirectory(Path.Combine(_station, "clips")).FullName;
        var stream = new StreamIdentity("yard", "yards", new DateTimeOffset(2026, 5, 1, 6, 0, 0, TimeSpan.Zero));
        using var writer = StoreWriter.Open(Store, TimeProvider.System);
        for (var i = 0; i < 5; i++)
        {
            var (at, name) = (60 * i, i < 4 ? $"{Id(i)}.wav" : "broken.wav");
            writer.Add(new SoundEvent(Id(i), EventState.Closed, stream, "model", "hiss", at + Before, at + Before + 3, 0.9f, 0.8f));
            writer.Commit();
            var random = new Random(i);
            float Sample(int n) => (n >= Before * Rate) == (i % 2 == 0)
                ? (float)(0.3 * Math.Sin(2 * Math.PI * (800 + (20 * i)) * n / Rate)) : (float)(0.3 * (random.NextDouble() - 0.5));
            using (var file = new WavWriter(Path.Combine(clips, name), Rate, 1))
                file.Write([.. Enumerable.Range(0, 5 * Rate).Select(Sample)]);
            if (i == 4)
                File.WriteAllText(Path.Combine(clips, name), "no sound");
            writer.Add([new StoredClip(Id(i), stream, at * Rate, Rate, 5 * Rate, name, 9) { Events = [Id(i)] }]);
        }
    }
}
