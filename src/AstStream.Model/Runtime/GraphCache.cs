using System.Security.Cryptography;
using System.Text;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.Model.Runtime;

/// <summary>
/// Keeps built graphs on disk: a folder for each checkpoint and window, named by a hash over both and this code, with a weights file
/// for each precision and a small graph for each variant. Files are written aside and renamed into place, so that two processes
/// or an interruption can't leave half a one.
/// </summary>
internal static class GraphCache
{
    private static readonly TimeSpan s_unusedFor = TimeSpan.FromDays(30);

    // Of this process alone, made when it is asked for and gone with it.
    private static readonly Lazy<string> s_private = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("aststream-cache-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Quietly(() => Directory.Delete(folder, recursive: true));
        return folder;
    });

    /// <summary>A folder that only this process uses and that ends with it, for where the cache can't be written.</summary>
    public static string Private => s_private.Value;

    /// <summary>The folder of a checkpoint's graphs for one window; it is made where it is not there.</summary>
    public static string Folder(AstCheckpoint checkpoint, AstConfig config, string cacheFolder)
    {
        var root = Path.Combine(cacheFolder, "graphs");
        var folder = Path.Combine(root, Key(checkpoint, config));
        return Guarded(checkpoint, folder, () =>
        {
            if (Directory.Exists(folder))
            {
                Quietly(() => Directory.SetLastWriteTimeUtc(folder, TimeProvider.System.GetUtcNow().UtcDateTime));
            }
            else
            {
                Directory.CreateDirectory(root);
                Quietly(() => RemoveUnused(root));
                Directory.CreateDirectory(folder);
            }

            return folder;
        });
    }

    /// <summary>The path of the built graph.</summary>
    public static string GetOrBuild(AstCheckpoint checkpoint, AstConfig config, AstGraphOptions options, string cacheFolder)
    {
        var folder = Folder(checkpoint, config, cacheFolder);
        // Two graphs share a weights file when both values and places are the same; built once to know the places, once with the name.
        var layout = AstGraph.Build(checkpoint, config, options, "").Graph.Layout;
        var weights = Path.Combine(folder, $"{options.WeightsName}-{layout}.bin");
        var (model, graph) = AstGraph.Build(checkpoint, config, options, Path.GetFileName(weights));
        var path = Path.Combine(folder, $"graph-{Convert.ToHexStringLower(SHA256.HashData(model))[..16]}.onnx");
        return Guarded(checkpoint, folder, () =>
        {
            if (!File.Exists(weights) || new FileInfo(weights).Length != graph.DataLength)
                WriteAside(weights, graph.WriteWeights);
            if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(model))
                WriteAside(path, model);
            return path;
        });
    }

    /// <summary>
    /// Removes a checkpoint's graphs and weights, so that they are rebuilt; what other processes have open stays theirs.
    /// </summary>
    public static void Discard(string graph) => Quietly(() => Directory.Delete(Path.GetDirectoryName(graph)!, recursive: true));

    /// <summary>Keeps a small file in a checkpoint's folder.</summary>
    public static void Store(AstCheckpoint checkpoint, string path, byte[] bytes) => Guarded(checkpoint, path, () =>
    {
        WriteAside(path, bytes);
        return path;
    });

    /// <summary>Writes a file under another name and moves it into place.</summary>
    /// <remarks>It is on the disk before it has its name, so that a power cut leaves no empty file.</remarks>
    public static void WriteAside(string path, byte[] bytes) => WriteAside(path, aside =>
    {
        using var file = new FileStream(aside, FileMode.CreateNew, FileAccess.Write);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
    });

    private static void WriteAside(string path, Action<string> write)
    {
        var aside = $"{path}.{Path.GetRandomFileName()}.part";
        try
        {
            write(aside);
            File.Move(aside, path, overwrite: true);
        }
        finally
        {
            File.Delete(aside);
        }
    }

    private static string Guarded(AstCheckpoint checkpoint, string folder, Func<string> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (DiskError.Is(e))
        {
            throw new CacheException($"{folder}: the graph of {checkpoint.Folder} can't be kept here: {e.Message.TrimEnd('.')}. Set "
                + $"ASTSTREAM_CACHE to a folder that can be written");
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

    private static string Key(AstCheckpoint checkpoint, AstConfig config)
    {
        var key = $"{checkpoint.Hash} {config.MaxLength} {config.FrequencyStride} {config.TimeStride} "
            + $"{typeof(GraphCache).Module.ModuleVersionId}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)))[..32];
    }

    private static void RemoveUnused(string root)
    {
        var oldest = TimeProvider.System.GetUtcNow().UtcDateTime - s_unusedFor;
        foreach (var folder in Directory.EnumerateDirectories(root).Where(f => Directory.GetLastWriteTimeUtc(f) < oldest).ToList())
            Directory.Delete(folder, recursive: true);
    }
}
