using System.Security.Cryptography;
using System.Text;
using AstStream.Model.Onnx;

namespace AstStream.Model;

/// <summary>
/// Keeps built graphs on disk, one folder each, named by a hash over the graph, the checkpoint and this code: when any of
/// them changes, another folder is built. Folders are written aside and renamed into place, so that two processes or an
/// interruption can't leave half a one.
/// </summary>
internal static class GraphCache
{
    private const string GraphFile = "graph.onnx";
    private static readonly TimeSpan s_unusedFor = TimeSpan.FromDays(30);

    /// <summary>The path of the built graph.</summary>
    public static string GetOrBuild(AstCheckpoint checkpoint, string cacheFolder)
    {
        var (model, graph) = AstGraph.Build(checkpoint);
        var root = Path.Combine(cacheFolder, "graphs");
        var folder = Path.Combine(root, Key(checkpoint, model));
        var path = Path.Combine(folder, GraphFile);
        try
        {
            if (IsWhole(folder, model, graph))
            {
                Quietly(() => Directory.SetLastWriteTimeUtc(folder, TimeProvider.System.GetUtcNow().UtcDateTime));
                return path;
            }

            Directory.CreateDirectory(root);
            Quietly(() => RemoveUnused(root));
            var scratch = Path.Combine(root, $"building-{Path.GetRandomFileName()}");
            try
            {
                Directory.CreateDirectory(scratch);
                graph.WriteWeights(Path.Combine(scratch, AstGraph.DataFile));
                File.WriteAllBytes(Path.Combine(scratch, GraphFile), model);
                if (Directory.Exists(folder) && !IsWhole(folder, model, graph))
                    Directory.Delete(folder, recursive: true);
                if (!Directory.Exists(folder))
                    MoveIntoPlace(scratch, folder);
            }
            finally
            {
                if (Directory.Exists(scratch))
                    Directory.Delete(scratch, recursive: true);
            }

            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidCheckpointException($"{folder}: the graph of {checkpoint.Folder} can't be kept here: {e.Message}. Set ASTSTREAM_CACHE to a folder that can be written");
        }
    }

    /// <summary>House-keeping: in a cache that belongs to another user it can't be done, and need not.</summary>
    private static void Quietly(Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static void MoveIntoPlace(string scratch, string folder)
    {
        try
        {
            Directory.Move(scratch, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            // Another process was first; its graph is the same.
        }
    }

    private static string Key(AstCheckpoint checkpoint, byte[] model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(model);
        hash.AppendData(Encoding.ASCII.GetBytes(checkpoint.Hash));
        hash.AppendData(typeof(GraphCache).Module.ModuleVersionId.ToByteArray());
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    private static bool IsWhole(string folder, byte[] model, OnnxGraph graph)
    {
        var data = new FileInfo(Path.Combine(folder, AstGraph.DataFile));
        var file = Path.Combine(folder, GraphFile);
        return data.Exists && data.Length == graph.DataLength && File.Exists(file) && File.ReadAllBytes(file).AsSpan().SequenceEqual(model);
    }

    private static void RemoveUnused(string root)
    {
        var oldest = TimeProvider.System.GetUtcNow().UtcDateTime - s_unusedFor;
        foreach (var folder in Directory.EnumerateDirectories(root).Where(f => Directory.GetLastWriteTimeUtc(f) < oldest).ToList())
            Directory.Delete(folder, recursive: true);
    }
}
