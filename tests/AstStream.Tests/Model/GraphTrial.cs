using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

/// <summary>Reference checkpoints, with a cache of their own.</summary>
public abstract class GraphTrial : IDisposable
{
    private protected const string Small = "ast-small-16x16-t256";
    private protected const string Wide = "ast-small-10x10";
    private protected readonly string _cache = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose()
    {
        Directory.Delete(_cache, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected static AstCheckpoint Open(string name) => AstCheckpoint.Open(Path.Combine(Reference.Folder, name));

    private protected AstSession Session(AstCheckpoint source, AstSessionOptions options) =>
        AstSession.Create(source, options with { CacheFolder = _cache, IsNormalized = true });

    private protected float[] Logits(AstCheckpoint source, float[] input, AstSessionOptions options)
    {
        using var session = Session(source, options with { BatchSizes = [1] });
        input.CopyTo(session.Input(0));
        session.Run(1);
        return session.Logits(0).ToArray();
    }
}
