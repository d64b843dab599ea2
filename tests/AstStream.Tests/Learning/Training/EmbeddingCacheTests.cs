using AstStream.Learning.Training;

namespace AstStream.Tests.Learning.Training;

public sealed class EmbeddingCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-cache").FullName;

    private string Path => System.IO.Path.Combine(_folder, "embeddings", "model.bin");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Open_AfterItWasWritten_KnowsAllOfIt()
    {
        Fill(5);
        using var cache = new EmbeddingCache(Path, 3);
        for (byte i = 0; i < 5; i++)
        {
            Assert.True(cache.TryGet(Key(i), out var found));
            Assert.Equal(Key((byte)(i + 100)), found.Content);
            Assert.Equal([[i, 2, 3], [4, 5, i]], found.Windows);
        }

        Assert.False(cache.TryGet(Key(9), out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(100)]
    public void Open_CutOffAnywhere_KnowsWhatIsWholeAndGoesOn(int bytes)
    {
        Fill(3);
        using (var file = File.OpenWrite(Path))
            file.SetLength(file.Length - bytes);
        using (var cache = new EmbeddingCache(Path, 3))
        {
            Assert.True(cache.TryGet(Key(1), out _));
            Assert.False(cache.TryGet(Key(2), out _));
            cache.Add(Key(7), Key(8), [[1, 2, 3]]);
        }

        using var again = new EmbeddingCache(Path, 3);
        Assert.True(again.TryGet(Key(7), out _));
        Assert.True(again.TryGet(Key(1), out _));
    }

    [Fact]
    public void Open_DamagedInTheMiddle_KnowsWhatIsBefore()
    {
        Fill(3);
        var bytes = File.ReadAllBytes(Path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(Path, bytes);
        using var cache = new EmbeddingCache(Path, 3);
        Assert.True(cache.TryGet(Key(0), out _));
        Assert.False(cache.TryGet(Key(1), out _));
    }

    [Fact]
    public void Open_WhileAnotherHasIt_WorksWithoutIt()
    {
        using var first = new EmbeddingCache(Path, 3);
        using var second = new EmbeddingCache(Path, 3);
        second.Add(Key(1), Key(2), [[1, 2, 3]]);
        Assert.True(second.TryGet(Key(1), out _));
    }

    private void Fill(int count)
    {
        using var cache = new EmbeddingCache(Path, 3);
        for (byte i = 0; i < count; i++)
            cache.Add(Key(i), Key((byte)(i + 100)), [[i, 2, 3], [4, 5, i]]);
    }

    private static string Key(byte number) => Convert.ToHexStringLower([.. Enumerable.Repeat(number, 32)]);
}
